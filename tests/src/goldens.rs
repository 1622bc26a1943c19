//! What the real libraries computed, by name; `goldens/README.md` says how.
use crate::device::device;
use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use tch::{Device, Kind, Tensor};

/// A file of recorded tensors.
pub struct Goldens {
    file: &'static str,
    tensors: BTreeMap<String, Tensor>,
    metadata: HashMap<String, String>,
}

/// Away from the sources `AMP_GOLDENS` names the folder.
fn path(file: &str) -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens");
    std::env::var_os("AMP_GOLDENS").map_or_else(beside, PathBuf::from).join(file)
}

/// A recorded JSON document.
///
/// # Panics
/// If it cannot be read.
pub fn json(file: &str) -> Value {
    let text = std::fs::read_to_string(path(file)).expect(file);
    serde_json::from_str(&text).expect(file)
}

impl Goldens {
    /// Whether there is such a file: some are made on the machine that is tested.
    pub fn exist(file: &str) -> bool {
        path(file).exists()
    }

    /// Reads a safetensors file, onto the device that the tests run on.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn open(file: &'static str) -> Self {
        let read = Tensor::read_safetensors(path(file)).expect(file);
        let tensors = read.into_iter().map(|(name, tensor)| (name, tensor.to_device(device()))).collect();
        let bytes = std::fs::read(path(file)).expect(file);
        let (_, header) = SafeTensors::read_metadata(&bytes).expect(file);
        Self { file, tensors, metadata: header.metadata().clone().unwrap_or_default() }
    }

    /// The tensor called `name`.
    ///
    /// # Panics
    /// If there is none.
    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{} has no `{name}`", self.file))
    }

    /// The tensors whose names begin with `prefix`, by the rest of their names.
    pub fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        self.tensors.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)))
    }

    /// All elements in f64, which holds every recorded dtype exactly.
    ///
    /// # Panics
    /// If there is no such tensor.
    pub fn f64s(&self, name: &str) -> Vec<f64> {
        Vec::try_from(self.tensor(name).to_kind(Kind::Double).flatten(0, -1)).expect(name)
    }

    /// All elements of an integer tensor.
    ///
    /// # Panics
    /// If there is no such tensor.
    pub fn i64s(&self, name: &str) -> Vec<i64> {
        Vec::try_from(self.tensor(name).to_kind(Kind::Int64).flatten(0, -1)).expect(name)
    }

    /// Whether this machine runs the vectorized kernels that the file was recorded with: only then are bits comparable.
    pub fn same_kernels(&self) -> bool {
        if device() != Device::Cpu {
            println!("{}: recorded on a CPU, here {:?}: bits are not compared", self.file, device());
            return false;
        }
        let recorded = self.metadata.get("cpu_capability").map(String::as_str);
        let here = cpu_capability();
        println!(
            "{}: recorded on {recorded:?}, here {here}: same bits expected: {}",
            self.file,
            recorded == Some(here)
        );
        recorded == Some(here)
    }

    /// Whether this is the kind of processor that the file was recorded on, down to the instructions for low precision
    /// and the maker, which oneDNN and MKL choose kernels by.
    pub fn same_processor(&self) -> bool {
        let recorded = self.metadata.get("kernels").map(String::as_str);
        let here = processor();
        println!("{}: recorded on {recorded:?}, here {here:?}", self.file);
        self.same_kernels() && recorded == Some(&here)
    }
}

/// As `kernels()` of `goldens/autocast.py` says it.
fn processor() -> String {
    const WANTED: [&str; 11] = [
        "amx_bf16",
        "amx_fp16",
        "amx_tile",
        "avx2",
        "avx512_bf16",
        "avx512_fp16",
        "avx512bw",
        "avx512f",
        "avx512vl",
        "f16c",
        "fma",
    ];
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim() == key).map_or("", |(_, value)| value.trim())
    };
    let flags: Vec<_> = value("flags").split_whitespace().collect();
    let known = WANTED.into_iter().filter(|flag| flags.contains(flag));
    std::iter::once(value("vendor_id")).chain(known).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// What `torch.backends.cpu.get_cpu_capability()` says: by the rule of `DispatchStub.cpp`.
fn cpu_capability() -> &'static str {
    match std::env::var("ATEN_CPU_CAPABILITY").as_deref() {
        Ok("avx512") => return "AVX512",
        Ok("avx2") => return "AVX2",
        Ok("default") => return "DEFAULT",
        _ => {}
    }
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("fma")
        {
            return "AVX512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "AVX2";
        }
    }
    "DEFAULT"
}

/// Whether two tensors have the same dtype, shape and bits (NaNs count as equal to each other).
pub fn same_bits(a: &Tensor, b: &Tensor) -> bool {
    if a.kind() != b.kind() || a.size() != b.size() {
        return false;
    }
    let bits = |tensor: &Tensor| {
        let tensor = tensor.detach().contiguous();
        match tensor.kind() {
            Kind::Float => tensor.view_dtype(Kind::Int),
            Kind::Double => tensor.view_dtype(Kind::Int64),
            Kind::BFloat16 | Kind::Half => tensor.view_dtype(Kind::Int16),
            _ => tensor,
        }
    };
    let equal = bits(a).eq_tensor(&bits(b));
    let both_nan = a.detach().isnan().logical_and(&b.detach().isnan());
    bool::try_from(equal.logical_or(&both_nan).all()).unwrap_or(false)
}

/// The norm of the difference over the norm of `wanted`, in f64.
pub fn relative_difference(got: &Tensor, wanted: &Tensor) -> f64 {
    let (got, wanted) = (comparable(got), comparable(wanted));
    let difference = (got - &wanted).norm().double_value(&[]);
    let size = wanted.norm().double_value(&[]);
    if difference == 0. { 0. } else { difference / size }
}

/// What another processor's kernels may be off by after some hundred updates, of the largest element.
pub const OTHER_KERNELS: f64 = 2e-5;

/// Fails unless the tensors are the same: to the bit where `exact`, else within the last bits that another
/// processor's kernels may round differently, summed over some hundred updates.
///
/// # Panics
/// If they are not.
pub fn assert_same(got: &Tensor, wanted: &Tensor, exact: bool, what: &str) {
    if exact {
        assert!(same_bits(got, wanted), "{what}: not the same bits\n got {got}\n wanted {wanted}");
    } else {
        let (got, wanted) = (comparable(got), comparable(wanted));
        let limit = 1e-7 + OTHER_KERNELS * wanted.abs().max().double_value(&[]);
        let difference = (got - &wanted).abs().max().double_value(&[]);
        assert!(difference <= limit, "{what}: off by {difference}, allowed {limit}");
    }
}

/// Its numbers in f64, wherever it lies.
fn comparable(tensor: &Tensor) -> Tensor {
    tensor.detach().to_device(Device::Cpu).to_kind(Kind::Double)
}
