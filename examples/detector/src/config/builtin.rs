//! The configurations that the program brings along.
use std::path::Path;

const BUILTIN: [(&str, &str); 7] = [
    ("bench", include_str!("../../configs/bench.toml")),
    ("cells", include_str!("../../configs/cells.toml")),
    ("bccd_fcos_r18", include_str!("../../configs/bccd_fcos_r18.toml")),
    ("bccd_retinanet_r18", include_str!("../../configs/bccd_retinanet_r18.toml")),
    ("coco_retinanet_r50", include_str!("../../configs/coco_retinanet_r50.toml")),
    ("schedule_1x", include_str!("../../configs/schedule_1x.toml")),
    ("bccd", include_str!("../../configs/bccd.toml")),
];

/// The text of the built-in configuration `name`.
pub(super) fn text(name: &Path) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| Path::new(known) == name).map(|(_, text)| *text)
}

/// Their names, for messages.
pub(super) fn names() -> String {
    BUILTIN.map(|(name, _)| format!("`{name}`")).join(", ")
}
