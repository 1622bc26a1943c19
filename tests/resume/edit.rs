//! Takes a checkpoint apart and puts it together again, checksums and all.
use serde_json::{Map, Value};
use std::path::Path;

pub(crate) struct Parts {
    /// The whole header.
    pub(crate) header: Map<String, Value>,
    /// What `__metadata__` holds as text.
    pub(crate) state: Value,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn words(header: &mut Map<String, Value>) -> &mut Map<String, Value> {
    header["__metadata__"].as_object_mut().unwrap()
}

impl Parts {
    pub(crate) fn of(file: &[u8]) -> Self {
        let length = usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
        let (header, body) = file[8..].split_at(length);
        let header: Map<String, Value> = serde_json::from_slice(header).unwrap();
        let state = serde_json::from_str(header["__metadata__"]["state"].as_str().unwrap()).unwrap();
        Self { header, state, body: body.to_vec() }
    }

    /// With checksums that are right for whatever is there now.
    pub(crate) fn file(mut self) -> Vec<u8> {
        let sum = |bytes: &[u8]| format!("{:08x}", crc32fast::hash(bytes));
        let mut sums = Map::new();
        for (name, info) in self.header.iter().filter(|(name, _)| *name != "__metadata__") {
            let offset = |index: usize| usize::try_from(info["data_offsets"][index].as_u64()?).ok();
            let bytes = offset(0).zip(offset(1)).and_then(|(start, end)| self.body.get(start..end));
            sums.insert(name.clone(), sum(bytes.unwrap_or_default()).into());
        }
        let words = words(&mut self.header);
        words.insert("state".to_owned(), self.state.to_string().into());
        words.insert("tensor_checksums".to_owned(), Value::Object(sums).to_string().into());
        words.insert("checksum".to_owned(), "00000000".into());
        let header = Value::Object(self.header).to_string();
        let blank = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
        let sealed =
            header.replace("\"checksum\":\"00000000\"", &format!("\"checksum\":\"{}\"", sum(&blank)));
        [&blank[..8], sealed.as_bytes(), &self.body].concat()
    }

    /// Removes a tensor and its bytes.
    pub(crate) fn remove(&mut self, key: &str) {
        let info = self.header.remove(key).unwrap();
        let offset = |index: usize| usize::try_from(info["data_offsets"][index].as_u64().unwrap()).unwrap();
        let (start, end) = (offset(0), offset(1));
        self.body.drain(start..end);
        for (_, other) in self.header.iter_mut().filter(|(name, _)| *name != "__metadata__") {
            for offset in other["data_offsets"].as_array_mut().unwrap() {
                let at = offset.as_u64().unwrap();
                if at >= end as u64 {
                    *offset = (at - (end - start) as u64).into();
                }
            }
        }
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let info = self.header.remove(from).unwrap();
        self.header.insert(to.to_owned(), info);
    }

    /// Adds a tensor of four bytes.
    pub(crate) fn add(&mut self, key: &str, dtype: &str, shape: &[u64]) {
        let start = self.body.len();
        self.body.extend([0; 4]);
        let info = serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, start + 4]});
        self.header.insert(key.to_owned(), info);
    }
}

/// Writes the file with an edit.
pub(crate) fn edited(path: &Path, file: &[u8], edit: impl FnOnce(&mut Parts)) {
    let mut parts = Parts::of(file);
    edit(&mut parts);
    std::fs::write(path, parts.file()).unwrap();
}
