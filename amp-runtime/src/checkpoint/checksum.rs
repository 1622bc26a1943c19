//! Finds every changed bit: a checksum of each tensor in the header, and one of the header in itself.
//!
//! CRC-32 rather than a hash: a change within 32 neighbouring bits is found for certain, not just most probably. One of
//! each tensor, so that the error can say which is damaged, and no stretch is too long for the guarantee.
use super::container::{Read, Tensors, Words, bytes, unsavable};
use super::error::{CheckpointError, Result};
use std::collections::BTreeMap;
use std::path::Path;

const OF_TENSORS: &str = "tensor_checksums";
const OF_HEADER: &str = "checksum";
/// Stands for the header's own checksum while that is computed.
const BLANK: &str = "00000000";

/// Adds the checksums to the words of a header; the header's own is still blank.
pub(super) fn prepare(tensors: &Tensors, words: &mut Words) -> Result<()> {
    let mut sums = BTreeMap::new();
    for (name, tensor) in tensors {
        sums.insert(name, hex(&[&bytes(tensor)?]));
    }
    let sums = serde_json::to_string(&sums).map_err(|error| unsavable(OF_TENSORS, &error.to_string()))?;
    words.insert(OF_TENSORS.to_owned(), sums);
    words.insert(OF_HEADER.to_owned(), BLANK.to_owned());
    Ok(())
}

/// Fills in the checksum of a header that was prepared.
pub(super) fn seal(head: &mut [u8]) {
    let sum = hex(&[head]);
    if let Some(place) = place(head, BLANK) {
        head[place..place + BLANK.len()].copy_from_slice(sum.as_bytes());
    }
}

/// Whether header and tensors are what was written.
pub(super) fn verify(path: &Path, file: &Read<'_>) -> Result<()> {
    let corrupt = |what: String| Err(CheckpointError::Corrupt { path: path.to_owned(), what });
    let recorded = file.word(OF_HEADER).filter(|sum| sum.len() == BLANK.len());
    let Some((recorded, place)) = recorded.and_then(|sum| Some((sum, place(file.head, sum)?))) else {
        return corrupt("its header has no checksum".to_owned());
    };
    let (before, after) = (&file.head[..place], &file.head[place + BLANK.len()..]);
    // As text: read as a number, `A` would pass for `a`.
    if hex(&[before, BLANK.as_bytes(), after]) != recorded {
        return corrupt("its header is not what was written".to_owned());
    }
    let sums = file.word(OF_TENSORS).map(serde_json::from_str::<BTreeMap<String, String>>);
    let Some(Ok(mut sums)) = sums else {
        return corrupt("its tensors have no checksums".to_owned());
    };
    for (name, bytes) in file.spans() {
        match sums.remove(&name) {
            None => return corrupt(format!("`{name}` has no checksum")),
            Some(sum) if sum != hex(&[bytes]) => return corrupt(format!("`{name}` is not what was written")),
            Some(_) => {}
        }
    }
    match sums.pop_first() {
        Some((key, _)) => Err(CheckpointError::Missing { key }),
        None => Ok(()),
    }
}

fn hex(parts: &[&[u8]]) -> String {
    let mut crc = crc32fast::Hasher::new();
    for part in parts {
        crc.update(part);
    }
    format!("{:08x}", crc.finalize())
}

/// Where the header's checksum stands. Inside other words the quotes are escaped, so this is found only once.
fn place(head: &[u8], sum: &str) -> Option<usize> {
    let key = format!("\"{OF_HEADER}\":\"");
    let pattern = format!("{key}{sum}\"");
    head.windows(pattern.len()).position(|window| window == pattern.as_bytes()).map(|start| start + key.len())
}
