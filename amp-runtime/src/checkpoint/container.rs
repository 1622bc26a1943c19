//! Named tensors and words as the bytes of a safetensors file, and back.
use super::error::{CheckpointError, Result};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Serializer;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use tch::{Device, Kind, TchError, Tensor};

/// By name; on the way into a file on any device in any layout, on the way out contiguous on the CPU.
pub(super) type Tensors = BTreeMap<String, Tensor>;
/// The words of `__metadata__`.
pub(super) type Words = BTreeMap<String, String>;

/// What every safetensors file starts with: the length of its header.
const LENGTH: usize = 8;
/// Where readers of the format give up.
const LONGEST_HEADER: u64 = 100_000_000;
const WORDS: &str = "__metadata__";

/// A file to be written: its header, and the tensors in the order of their bytes.
pub(super) struct Unwritten<'a> {
    pub(super) head: Vec<u8>,
    tensors: Vec<&'a Tensor>,
}

impl<'a> Unwritten<'a> {
    pub(super) fn new(tensors: &'a Tensors, words: &Words) -> Result<Self> {
        let mut entries = Vec::with_capacity(tensors.len());
        for (name, tensor) in tensors {
            if name == WORDS {
                return Err(unsavable(name, "the file format uses this name itself"));
            }
            entries.push((name, tensor, dtype(name, tensor)?));
        }
        // Wide elements first, so that each tensor's bytes are aligned.
        entries.sort_by_key(|(name, _, dtype)| (Reverse(dtype.bitsize()), *name));
        let mut start = 0;
        let mut listed = vec![(WORDS.to_owned(), json(WORDS, words)?)];
        for (name, tensor, dtype) in &entries {
            let end = start + byte_count(tensor);
            let shape = tensor.size().iter().filter_map(|&length| usize::try_from(length).ok()).collect();
            let info = TensorInfo { dtype: *dtype, shape, data_offsets: (start, end) };
            listed.push(((*name).clone(), json(name, &info)?));
            start = end;
        }
        let mut header = Vec::new();
        serde_json::Serializer::new(&mut header)
            .collect_map(listed)
            .map_err(|error| unsavable(WORDS, &error.to_string()))?;
        header.resize(header.len().next_multiple_of(LENGTH), b' ');
        let length = header.len() as u64;
        if length > LONGEST_HEADER {
            return Err(unsavable(
                WORDS,
                &format!("the header has {length} bytes, the format allows {LONGEST_HEADER}"),
            ));
        }
        let head = [&length.to_le_bytes()[..], &header].concat();
        Ok(Self { head, tensors: entries.into_iter().map(|(_, tensor, _)| tensor).collect() })
    }

    pub(super) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(&self.head)?;
        self.tensors.iter().try_for_each(|tensor| to.write_all(&bytes(tensor).map_err(io::Error::other)?))
    }
}

/// A file that was read: its header, which makes sense, and the bytes that it speaks of.
pub(super) struct Read<'a> {
    pub(super) head: &'a [u8],
    header: Metadata,
    body: &'a [u8],
}

impl<'a> Read<'a> {
    pub(super) fn new(path: &Path, file: &'a [u8]) -> Result<Self> {
        let foreign =
            |what: &str| CheckpointError::NotACheckpoint { path: path.to_owned(), what: what.to_owned() };
        let truncated = |wanted: u64| CheckpointError::Truncated {
            path: path.to_owned(),
            found: file.len() as u64,
            wanted,
        };
        if file.is_empty() {
            return Err(foreign("it is empty"));
        }
        let Some((length, rest)) = file.split_first_chunk::<LENGTH>() else {
            return Err(foreign("it is too short"));
        };
        let length = u64::from_le_bytes(*length);
        if length > LONGEST_HEADER || rest.first().is_some_and(|&first| first != b'{') {
            return Err(foreign("it does not start with a safetensors header"));
        }
        let head_length = usize::try_from(length).ok().and_then(|length| length.checked_add(LENGTH));
        let Some((head, body)) = head_length.and_then(|length| file.split_at_checked(length)) else {
            return Err(truncated(LENGTH as u64 + length));
        };
        let header: Metadata =
            serde_json::from_slice(&head[LENGTH..]).map_err(|error| CheckpointError::Corrupt {
                path: path.to_owned(),
                what: format!("its header cannot be read: {error}"),
            })?;
        let wanted = header.data_len();
        if body.len() < wanted {
            return Err(truncated(head.len() as u64 + wanted as u64));
        }
        if body.len() > wanted {
            let what = format!("{} bytes follow its last tensor", body.len() - wanted);
            return Err(CheckpointError::Corrupt { path: path.to_owned(), what });
        }
        Ok(Self { head, header, body })
    }

    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(name).map(String::as_str)
    }

    /// The names of the tensors, and the bytes of each.
    pub(super) fn spans(&self) -> impl Iterator<Item = (String, &'a [u8])> {
        let span = |(name, info): (String, &TensorInfo)| {
            let (start, end) = info.data_offsets;
            (name, self.body.get(start..end).unwrap_or_default())
        };
        self.header.tensors().into_iter().map(span).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn tensors(&self) -> Result<Tensors> {
        let tensor = |(name, bytes): (String, &[u8])| {
            let info =
                self.header.info(&name).ok_or_else(|| CheckpointError::Missing { key: name.clone() })?;
            let shape: std::result::Result<Vec<i64>, _> =
                info.shape.iter().map(|&length| length.try_into()).collect();
            let (Some(kind), Ok(shape)) = (kind(info.dtype), shape) else {
                let found = format!("{:?} {:?}", info.dtype, info.shape);
                return Err(CheckpointError::Mismatch {
                    key: name,
                    found,
                    wanted: "a dtype that tch has".to_owned(),
                });
            };
            let tensor = Tensor::f_from_data_size(bytes, &shape, kind)?;
            Ok((name, tensor))
        };
        self.spans().map(tensor).collect()
    }
}

/// The elements of a tensor in row-major order, whatever its layout and device.
pub(super) fn bytes(tensor: &Tensor) -> std::result::Result<Vec<u8>, TchError> {
    let mut bytes = vec![0; byte_count(tensor)];
    tensor.f_detach()?.f_to(Device::Cpu)?.f_copy_data_u8(&mut bytes, tensor.numel())?;
    Ok(bytes)
}

fn byte_count(tensor: &Tensor) -> usize {
    tensor.numel() * tensor.kind().elt_size_in_bytes()
}

fn json(name: &str, value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| unsavable(name, &error.to_string()))
}

pub(super) fn unsavable(key: &str, problem: &str) -> CheckpointError {
    CheckpointError::Unsavable { key: key.to_owned(), problem: problem.to_owned() }
}

const KINDS: [(Kind, Dtype); 10] = [
    (Kind::Bool, Dtype::BOOL),
    (Kind::Uint8, Dtype::U8),
    (Kind::Int8, Dtype::I8),
    (Kind::Int16, Dtype::I16),
    (Kind::Int, Dtype::I32),
    (Kind::Int64, Dtype::I64),
    (Kind::BFloat16, Dtype::BF16),
    (Kind::Half, Dtype::F16),
    (Kind::Float, Dtype::F32),
    (Kind::Double, Dtype::F64),
];

fn dtype(name: &str, tensor: &Tensor) -> Result<Dtype> {
    if tensor.is_sparse() {
        return Err(unsavable(name, "it is sparse"));
    }
    let kind = tensor.kind();
    let known = KINDS.iter().find(|(known, _)| *known == kind);
    known.map(|(_, dtype)| *dtype).ok_or_else(|| unsavable(name, &format!("the file format has no {kind:?}")))
}

fn kind(dtype: Dtype) -> Option<Kind> {
    KINDS.iter().find(|(_, known)| *known == dtype).map(|(kind, _)| *kind)
}

/// Takes out what stands under a prefix, without it.
pub(super) fn take(tensors: &mut Tensors, prefix: &str) -> Tensors {
    let (taken, left): (Tensors, Tensors) =
        std::mem::take(tensors).into_iter().partition(|(name, _)| name.starts_with(prefix));
    *tensors = left;
    taken.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect()
}
