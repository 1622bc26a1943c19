//! An event file, taken apart as `TensorBoard` does it.
use detector::report::{Event, EventWriter};
use prost::Message;
use std::fs;

/// A bit at a time, from the polynomial of Castagnoli: another way than the crate's.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 },
        )
    })
}

/// The number at the beginning of a record, and after it; its checksum is tested.
fn checked(bytes: &[u8], length: usize) -> (&[u8], &[u8]) {
    let (content, rest) = bytes.split_at(length);
    let (sum, rest) = rest.split_at(4);
    let unmasked = u32::from_le_bytes(sum.try_into().unwrap()).wrapping_sub(0xa282_ead8).rotate_left(15);
    assert_eq!(unmasked, crc32c(content));
    (content, rest)
}

#[test]
fn events_are_read_back() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283, "the check value of CRC-32C");
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path()).unwrap();
    writer.write(50, [("loss", 1.5), ("lr", 0.01)].into_iter()).unwrap();
    writer.write(100, [("pascal_voc/mAP", 0.75)].into_iter()).unwrap();
    let entry = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
    assert!(entry.file_name().to_str().unwrap().starts_with("events.out.tfevents."));
    let bytes = fs::read(entry.path()).unwrap();
    let mut rest = &bytes[..];
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (length, after) = checked(rest, 8);
        let (event, after) =
            checked(after, u64::from_le_bytes(length.try_into().unwrap()).try_into().unwrap());
        events.push(Event::decode(event).unwrap());
        rest = after;
    }
    assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
    let scalars = |event: &Event| -> Vec<(String, f32)> {
        let values = &event.summary.as_ref().unwrap().value;
        values.iter().map(|scalar| (scalar.tag.clone(), scalar.simple_value.unwrap())).collect()
    };
    assert_eq!(
        (events[1].step, scalars(&events[1])),
        (50, vec![("loss".to_owned(), 1.5), ("lr".to_owned(), 0.01)])
    );
    assert_eq!((events[2].step, scalars(&events[2])), (100, vec![("pascal_voc/mAP".to_owned(), 0.75)]));
    assert!(events.len() == 3 && events.iter().all(|event| event.wall_time > 1.7e9));
}
