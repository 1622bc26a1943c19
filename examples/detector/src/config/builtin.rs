//! The configurations that the program brings along.

/// Those that can be run.
const CONFIGS: [(&str, &str); 5] = [
    ("cells", include_str!("../../configs/cells.toml")),
    ("bccd_fcos_r18", include_str!("../../configs/bccd_fcos_r18.toml")),
    ("bccd_retinanet_r18", include_str!("../../configs/bccd_retinanet_r18.toml")),
    ("coco_retinanet_r50", include_str!("../../configs/coco_retinanet_r50.toml")),
    ("bench", include_str!("../../configs/bench.toml")),
];

/// Those that others are based on.
const BASES: [(&str, &str); 2] = [
    ("bccd", include_str!("../../configs/bccd.toml")),
    ("schedule_1x", include_str!("../../configs/schedule_1x.toml")),
];

/// Name and text of a built-in configuration, as TOML.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    CONFIGS.iter().chain(&BASES).find(|(known, _)| *known == name).copied()
}

/// The names of the built-in configurations that can be run.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    CONFIGS.iter().map(|(name, _)| *name)
}
