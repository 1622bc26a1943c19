//! No bit flip passes, and no content of a file makes the reader panic.
use crate::broken::Victim;
use crate::edit::{Parts, edited, words};
use crate::training::alone;
use amp_runtime::checkpoint::{CheckpointError, LoadOptions};
use serde_json::{Value, json};

/// Not libtorch's generator: that one is part of what must not change.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[test]
fn every_sampled_bit_flip_is_found() {
    let _alone = alone();
    let mut victim = Victim::new();
    let mut file = victim.file.clone();
    let mut random = Random(1);
    let sampled: Vec<usize> = (0..64).chain((0..700).map(|_| random.below(file.len() * 8))).collect();
    for bit in sampled {
        file[bit / 8] ^= 1 << (bit % 8);
        let error = victim.refused_bytes(&file);
        assert!(
            matches!(
                error,
                CheckpointError::Corrupt { .. }
                    | CheckpointError::Truncated { .. }
                    | CheckpointError::NotACheckpoint { .. }
                    | CheckpointError::UnsupportedSchema { .. }
            ),
            "{bit}: {error:?}"
        );
        file[bit / 8] ^= 1 << (bit % 8);
    }
    // A damaged tensor is named.
    let last = file.len() - 1;
    file[last] ^= 1;
    let message = victim.refused_bytes(&file).to_string();
    assert!(message.contains("`rng/cpu` is not what was written"), "{message}");
    victim.is_untouched();
}

#[test]
fn random_bytes_do_not_panic() {
    let _alone = alone();
    let mut victim = Victim::new();
    let mut random = Random(2);
    for round in 0..200 {
        let mut bytes: Vec<u8> =
            (0..random.below(300)).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        if round % 2 == 0 && bytes.len() > 9 {
            // Past the first look: a length that fits, and something like JSON.
            let length = bytes.len() as u64 - 8;
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            bytes[8] = b'{';
        }
        victim.refused_bytes(&bytes);
    }
    victim.is_untouched();
}

/// Every place in a document, as a path.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    let mut inner = |key: &str, value| {
        places(value, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inner(key, value)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| inner(&index.to_string(), value));
        }
        _ => {}
    }
}

fn surprise(random: &mut Random) -> Value {
    let surprises = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(4_294_967_296_u64),
        json!(""),
        json!("conv.weight"),
        json!([]),
        json!([0, u64::MAX]),
        json!({}),
        json!("F4"),
    ];
    surprises[random.below(surprises.len())].clone()
}

#[test]
fn edits_under_a_right_checksum_do_not_panic() {
    let _alone = alone();
    let mut victim = Victim::new();
    let mut random = Random(3);
    let parts = Parts::of(&victim.file);
    let (mut in_header, mut in_state) = (Vec::new(), Vec::new());
    let mut header = parts.header.clone();
    words(&mut header).remove("state");
    places(&Value::Object(header), "", &mut in_header);
    places(&parts.state, "", &mut in_state);
    for _ in 0..300 {
        let surprise = surprise(&mut random);
        let edit_header = random.below(2) == 0;
        let places = if edit_header { &in_header } else { &in_state };
        let place = &places[random.below(places.len())];
        // The checksums are made anew, and `__metadata__` itself must be there for them.
        if edit_header && (place.is_empty() || place.starts_with("/__metadata__")) {
            continue;
        }
        edited(&victim.path, &victim.file, |parts| {
            if edit_header {
                let mut header = Value::Object(std::mem::take(&mut parts.header));
                *header.pointer_mut(place).unwrap() = surprise.clone();
                parts.header = header.as_object().unwrap().clone();
            } else {
                *parts.state.pointer_mut(place).unwrap() = surprise.clone();
            }
        });
        // Some edits make a checkpoint that is as good (another counter, another `extra`): then it loads.
        if victim.training.load(&victim.path, LoadOptions::default()).is_ok() {
            let file = victim.file.clone();
            victim = Victim::new();
            assert!(file == victim.file);
        }
    }
    victim.is_untouched();
}
