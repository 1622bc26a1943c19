//! One update of 300 parameters against PyTorch's fused one and against tch with a finite check per tensor; and what
//! entering a region costs. Rounds are interleaved in one run; figures are medians, and what counts are the ratios.
use amp_runtime::__private::set_gradient;
use amp_runtime::prelude::*;
use amp_runtime::{OptimizerConfig, count_ops};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;
use tch::nn::{self, OptimizerConfig as _};
use tch::{Device, Kind, Tensor};

mod pytorch;
use pytorch::{PyTorch, json_path, median};

const PARAMETERS: usize = 300;
const ROUNDS: usize = 15;
const UPDATES: usize = 20;
const SCALE: f64 = 65536.;

fn main() -> Result<(), Box<dyn Error>> {
    let json = json_path("step")?;
    let mut pytorch = PyTorch::start("step.py");
    if let Err(reason) = &pytorch {
        println!("skipped: PyTorch's side ({reason}); `cargo xtask setup --python-too` installs it");
    }
    println!(
        "one update (check, unscale, clip, fused step, scale, zero_grad), {} threads",
        tch::get_num_threads()
    );
    println!(
        "optimizer  parameters x elements     ours    PyTorch  ours/PyTorch        tch  tch/ours  host reads"
    );
    let mut rows = Vec::new();
    for optimizer in ["sgd", "adamw"] {
        for elements in [64, 4096, 65536] {
            rows.push(row(optimizer, elements, pytorch.as_mut().ok())?);
        }
    }
    println!("host reads: of Adam's step counters, by libtorch's own CPU kernel; on a GPU it makes none");
    let region = nanoseconds(|| autocast(Precision::Bf16, || black_box(())));
    let island = nanoseconds(|| full_precision(|| black_box(())));
    let switch = nanoseconds(|| with_precision(Precision::Bf16, || black_box(())));
    println!(
        "entry and exit: region {region:.0} ns, full-precision island {island:.0} ns, with_precision {switch:.0} ns"
    );
    if let Some(path) = json {
        let regions = serde_json::json!({ "autocast_ns": region, "full_precision_ns": island, "with_precision_ns": switch });
        let report =
            serde_json::json!({ "threads": tch::get_num_threads(), "updates": rows, "regions": regions });
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

fn row(
    optimizer: &str,
    elements: i64,
    mut pytorch: Option<&mut PyTorch>,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let mut ours = Ours::new(optimizer, elements)?;
    let mut plain = Plain::new(optimizer, elements)?;
    let (mut own, mut theirs, mut tch) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..UPDATES {
            times[0].push(ours.update()?);
            times[2].push(plain.update()?);
        }
        if let Some(pytorch) = &mut pytorch {
            times[1] = pytorch.seconds(&format!("{optimizer} {PARAMETERS} {elements} {UPDATES}"))?;
        }
        // The first round warms up.
        if round > 0 {
            for (all, some) in [&mut own, &mut theirs, &mut tch].into_iter().zip(times) {
                all.extend(some);
            }
        }
    }
    let (_, ops) = count_ops(|| ours.update())?;
    let host_reads = ops.get("aten::_local_scalar_dense").copied().unwrap_or(0);
    let (own, theirs, tch) = (median(own), median(theirs), median(tch));
    let micro = |seconds: f64| format!("{:>7.0} us", seconds * 1e6);
    println!(
        "{optimizer:<9}  {PARAMETERS:>10} x {elements:<8} {} {} {:>13.2} {} {:>9.1} {host_reads:>11}",
        micro(own),
        micro(theirs),
        own / theirs,
        micro(tch),
        tch / own
    );
    Ok(serde_json::json!({
        "optimizer": optimizer, "parameters": PARAMETERS, "elements": elements, "ours_s": own, "pytorch_s": theirs,
        "tch_s": tch, "ours_to_pytorch": own / theirs, "tch_to_ours": tch / own, "host_reads": host_reads,
    }))
}

fn nanoseconds(f: impl Fn()) -> f64 {
    const CALLS: u32 = 100_000;
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| f());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    });
    median(rounds.collect())
}

fn parameters(store: &nn::VarStore, elements: i64) -> Vec<Tensor> {
    (0..PARAMETERS).map(|index| store.root().zeros(&format!("p{index}"), &[elements])).collect()
}

/// This crate's wrapper.
struct Ours {
    wrapper: OptimWrapper,
    params: Vec<Tensor>,
    grad: Tensor,
}

impl Ours {
    fn new(optimizer: &str, elements: i64) -> Result<Self, Box<dyn Error>> {
        let store = nn::VarStore::new(Device::Cpu);
        let params = parameters(&store, elements);
        let config: OptimizerConfig = match optimizer {
            "sgd" => Sgd { lr: 0.01, momentum: 0.9, ..Sgd::default() }.into(),
            _ => AdamW::default().into(),
        };
        let builder = OptimWrapper::builder(config).precision(Precision::F16).clip_grad(ClipGrad::norm(1.));
        let grad = Tensor::full([elements], 1e-3 * SCALE, (Kind::Float, Device::Cpu));
        Ok(Self { wrapper: builder.build(&store)?, params, grad })
    }

    fn update(&mut self) -> Result<f64, Box<dyn Error>> {
        let _ = self.wrapper.backward(&self.params[0].sum(Kind::Float))?.accumulate();
        for param in &self.params {
            set_gradient(param, &self.grad.copy())?;
        }
        let start = Instant::now();
        let _ = black_box(self.wrapper.step()?);
        Ok(start.elapsed().as_secs_f64())
    }
}

/// tch's optimizer with what its users write by hand: a finite check per tensor, and a multiplication.
struct Plain {
    optimizer: nn::Optimizer,
    params: Vec<Tensor>,
    grad: Tensor,
}

impl Plain {
    fn new(optimizer: &str, elements: i64) -> Result<Self, Box<dyn Error>> {
        let store = nn::VarStore::new(Device::Cpu);
        let params = parameters(&store, elements);
        let optimizer = match optimizer {
            "sgd" => nn::sgd(0.9, 0., 0., false).build(&store, 0.01)?,
            _ => nn::AdamW::default().build(&store, 1e-3)?,
        };
        let grad = Tensor::full([elements], 1e-3 * SCALE, (Kind::Float, Device::Cpu));
        Ok(Self { optimizer, params, grad })
    }

    fn update(&mut self) -> Result<f64, Box<dyn Error>> {
        for param in &self.params {
            set_gradient(param, &self.grad.copy())?;
        }
        let start = Instant::now();
        let mut finite = true;
        tch::no_grad(|| {
            for param in &self.params {
                let mut grad = param.grad();
                finite &= grad.isfinite().all().int64_value(&[]) == 1;
                let _ = grad.g_mul_scalar_(1. / SCALE);
            }
        });
        self.optimizer.clip_grad_norm(1.);
        if finite {
            self.optimizer.step();
        }
        self.optimizer.zero_grad();
        Ok(start.elapsed().as_secs_f64())
    }
}
