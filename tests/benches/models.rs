//! Forward, loss and backward of five models under `#[amp]`, against PyTorch's autocast of the same models; both in f32 too.
//! Runs are interleaved with a Python process, two threads each; figures are medians, and what counts are the ratios.
use amp_runtime::{Precision, with_precision};
use amp_tests::models::{Inputs, Model, NAMES, Size, build};
use std::error::Error;
use std::time::Instant;
use tch::{Device, nn};

mod pytorch;
use pytorch::{PyTorch, json_path, median};

const ROUNDS: usize = 25;
const RUNS: usize = 2;
const THREADS: i32 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let json = json_path("models")?;
    tch::set_num_threads(THREADS);
    let mut pytorch = PyTorch::start("models.py");
    if let Err(reason) = &pytorch {
        println!("skipped: PyTorch's side ({reason}); `cargo xtask setup --python-too` installs it");
    }
    println!("forward, loss and backward on the CPU, {} threads", tch::get_num_threads());
    println!("bf16/PyTorch  f32/PyTorch  bf16/f32  model           bf16    PyTorch        f32    PyTorch");
    let mut rows = Vec::new();
    for name in NAMES {
        rows.push(row(name, pytorch.as_mut().ok())?);
    }
    println!("PyTorch: `torch.autocast(\"cpu\")` with its own lists, which leave softmax, norms and upsampling in bf16");
    if let Some(path) = json {
        let report = serde_json::json!({ "threads": tch::get_num_threads(), "models": rows });
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

fn row(name: &str, mut pytorch: Option<&mut PyTorch>) -> Result<serde_json::Value, Box<dyn Error>> {
    let contestant = Contestant::new(name);
    // Ours and PyTorch's, in bf16 and in f32.
    let mut times = [const { Vec::new() }; 4];
    for round in 0..=ROUNDS {
        for (index, (precision, word)) in [(Precision::Bf16, "bf16"), (Precision::Full, "f32")].into_iter().enumerate() {
            let ours: Vec<_> = (0..RUNS).map(|_| contestant.seconds(precision)).collect();
            let theirs = match &mut pytorch {
                Some(pytorch) => pytorch.seconds(&format!("{name} {word} {RUNS}"))?,
                None => Vec::new(),
            };
            // The first round warms up.
            if round > 0 {
                times[2 * index].extend(ours);
                times[2 * index + 1].extend(theirs);
            }
        }
    }
    let [bf16, theirs, full, theirs_full] = times.map(median);
    let milli = |seconds: f64| format!("{:>7.2} ms", seconds * 1e3);
    println!(
        "{:>12.2} {:>12.2} {:>9.2}  {name:<11} {} {} {} {}",
        bf16 / theirs,
        full / theirs_full,
        bf16 / full,
        milli(bf16),
        milli(theirs),
        milli(full),
        milli(theirs_full)
    );
    Ok(serde_json::json!({
        "model": name, "ours_s": bf16, "pytorch_s": theirs, "ours_f32_s": full, "pytorch_f32_s": theirs_full,
        "ours_to_pytorch": bf16 / theirs, "ours_to_pytorch_f32": full / theirs_full, "bf16_to_f32": bf16 / full,
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

    fn seconds(&self, precision: Precision) -> f64 {
        for mut variable in self.store.trainable_variables() {
            variable.zero_grad();
        }
        let start = Instant::now();
        let loss = with_precision(precision, || self.model.run(&self.inputs)).remove("loss");
        if let Some(loss) = loss {
            loss.backward();
        }
        start.elapsed().as_secs_f64()
    }
}
