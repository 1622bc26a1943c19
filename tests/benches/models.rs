//! Forward, loss and backward of five models under `#[amp]`, against PyTorch's autocast of the same models; both in f32 too.
//! Runs are interleaved with a Python process, two threads each; figures are medians, and what counts are the ratios.
use amp_runtime::__private::set_gradient;
use amp_runtime::{NativeError, Precision, with_precision};
use amp_tests::models::{Inputs, Model, NAMES, Size, build};
use std::error::Error;
use std::time::Instant;
use tch::{Device, Tensor, nn};

mod pytorch;
use pytorch::{PyTorch, json_path, median};

const ROUNDS: usize = 15;
/// Timed runs a turn, after one that is not: the other process has just had the caches and the cores.
const RUNS: usize = 4;
const THREADS: i32 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let json = json_path("models")?;
    tch::set_num_threads(THREADS);
    let mut pytorch = PyTorch::start("models.py");
    if let Err(reason) = &pytorch {
        println!("skipped: PyTorch's side ({reason}); `cargo xtask setup --python-too` installs it");
    }
    println!("forward, loss and backward on the CPU, {} threads", tch::get_num_threads());
    println!(
        "bf16: by `#[amp]`; by `torch.autocast(\"cpu\")`, whose lists leave norms, softmax and upsampling in bf16;"
    );
    println!("by the same with those in f32, as `#[amp]` has them and as one writes it there by hand");
    println!(
        "amp/autocast  amp/by hand  bf16/f32  f32/f32  model             amp   autocast    by hand    f32 tch  f32 torch"
    );
    let mut rows = Vec::new();
    for name in NAMES {
        rows.push(row(name, pytorch.as_mut().ok())?);
    }
    if let Some(path) = json {
        let report = serde_json::json!({ "threads": tch::get_num_threads(), "models": rows });
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

fn row(name: &str, mut pytorch: Option<&mut PyTorch>) -> Result<serde_json::Value, Box<dyn Error>> {
    let contestant = Contestant::new(name);
    let mut times = [const { Vec::new() }; 5];
    for round in 0..=ROUNDS {
        let mut seconds = Vec::new();
        for (precision, words) in
            [(Precision::Bf16, ["bf16", "wide"].as_slice()), (Precision::Full, &["f32"])]
        {
            let _ = contestant.seconds(precision)?;
            seconds.push((0..RUNS).map(|_| contestant.seconds(precision)).collect::<Result<Vec<_>, _>>()?);
            for word in words {
                seconds.push(match &mut pytorch {
                    Some(pytorch) => pytorch.seconds(&format!("{name} {word} {RUNS}"))?,
                    None => Vec::new(),
                });
            }
        }
        // The first round warms up.
        if round > 0 {
            times.iter_mut().zip(seconds).for_each(|(all, some)| all.extend(some));
        }
    }
    let medians = times.map(median);
    let [amp, autocast, by_hand, full, torch_full] = medians;
    let shown: Vec<_> = medians.iter().map(|seconds| format!("{:>7.2} ms", seconds * 1e3)).collect();
    println!(
        "{:>12.2} {:>12.2} {:>9.2} {:>8.2}  {name:<11} {}",
        amp / autocast,
        amp / by_hand,
        amp / full,
        full / torch_full,
        shown.join(" ")
    );
    Ok(serde_json::json!({
        "model": name, "amp_s": amp, "autocast_s": autocast, "by_hand_s": by_hand, "f32_tch_s": full, "f32_torch_s": torch_full,
        "amp_to_autocast": amp / autocast, "amp_to_by_hand": amp / by_hand, "amp_to_f32": amp / full,
    }))
}

struct Contestant {
    store: nn::VarStore,
    model: Box<dyn Model>,
    inputs: Inputs,
}

impl Contestant {
    fn new(name: &str) -> Self {
        let store = nn::VarStore::new(Device::Cpu);
        let model = build(name, &store.root(), Size::Bench);
        let inputs = model.inputs();
        Self { store, model, inputs }
    }

    fn seconds(&self, precision: Precision) -> Result<f64, NativeError> {
        for variable in self.store.trainable_variables() {
            set_gradient(&variable, &Tensor::new())?; // to none, as PyTorch's side does
        }
        let start = Instant::now();
        let loss = with_precision(precision, || self.model.run(&self.inputs)).remove("loss");
        if let Some(loss) = loss {
            loss.backward();
        }
        Ok(start.elapsed().as_secs_f64())
    }
}
