//! `bench`: speed and memory of training and inference, in every precision and both memory layouts.
use super::place::device;
use crate::bbox::Object;
use crate::build;
use crate::cli::BenchArgs;
use crate::config::{Config, ModelConfig, Overrides};
use crate::data::{Batch, Dataset, Loader, LoaderOptions, Pipeline};
use crate::model::{Detector, Targets};
use crate::report::table;
use crate::train::step;
use amp_runtime::{OptimWrapper, Precision, peak_memory, reset_peak_memory, with_precision};
use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tch::{Device, Tensor};

/// One row of the table: a model of its own.
struct Row {
    precision: Precision,
    channels_last: bool,
    model: Detector,
    optim: OptimWrapper,
    images: Tensor,
    targets: Targets,
    forward: Vec<f64>,
    step: Vec<f64>,
    peak: Option<u64>,
}

pub(super) fn run(args: &BenchArgs) -> Result<()> {
    let device = device(&args.compute)?;
    let name = args.config.clone().unwrap_or_else(|| "bench".into());
    let options = Overrides { options: &args.cfg_options, ..Overrides::default() };
    let config = Config::load(&name, options)?;
    let batch = batch(&config, args)?;
    println!(
        "{}, batch {}, {}x{} pixels, {device:?}, {} threads, medians of {} rounds",
        name.display(),
        batch.samples.len(),
        batch.width,
        batch.height,
        tch::get_num_threads(),
        args.rounds
    );
    let precisions = precisions(args, device);
    let mut rows = Vec::new();
    for precision in precisions {
        for channels_last in [true, false] {
            rows.push(Row::new(&config, precision, channels_last, &batch, device)?);
        }
    }
    for row in &mut rows {
        row.warm_up(device)?;
    }
    // In turns, so that what else the machine does falls on all of them.
    for _ in 0..args.rounds {
        for row in &mut rows {
            row.round(device)?;
        }
    }
    print(&rows, batch.samples.len());
    if let Some(path) = &args.json {
        write(path, &rows, &batch, &name, device)?;
    }
    Ok(())
}

/// Those that are asked for, else all that are of use on the device.
fn precisions(args: &BenchArgs, device: Device) -> Vec<Precision> {
    if !args.amp.is_empty() {
        return args.amp.iter().map(|amp| Precision::from(*amp)).collect();
    }
    let mut all = vec![Precision::Full, Precision::Bf16];
    if device == Device::Cpu {
        println!(
            "f16 is left out: a CPU has no kernels for its convolutions backward; `--amp fp16` measures it, with patience"
        );
    } else {
        all.push(Precision::F16);
    }
    all
}

/// A batch of generated images: speed does not depend on what is in them.
fn batch(config: &Config, args: &BenchArgs) -> Result<Batch> {
    let mut dataset =
        Config::load(Path::new("cells"), Overrides::default())?.sections.train_dataloader.dataset;
    dataset.num_images = args.batch_size as usize;
    dataset.image_size = args.size;
    dataset.pipeline = vec![crate::config::Transform::Resize { scale: args.size, keep_ratio: false }];
    let (images, _) = Dataset::load(&dataset)?;
    let options = LoaderOptions {
        batch_size: dataset.num_images,
        num_workers: 1,
        drop_last: false,
        shuffle: false,
        seed: 0,
        pad_size_divisor: config.sections.model.data_preprocessor.pad_size_divisor,
        on_bad_data: dataset.on_bad_data,
    };
    let loader = Loader::new(Arc::new(images), Pipeline::new(&dataset.pipeline)?, options);
    loader.epoch(0, 0).next().context("there is no batch")?.map_err(Into::into)
}

impl Row {
    fn new(
        config: &Config,
        precision: Precision,
        channels_last: bool,
        batch: &Batch,
        device: Device,
    ) -> Result<Self> {
        let sections = &config.sections;
        let mut model_config: ModelConfig = sections.model.clone();
        model_config.data_preprocessor.channels_last = channels_last;
        tch::manual_seed(0);
        let classes =
            batch.samples.iter().flat_map(|sample| &sample.objects).map(|object| object.class + 1).max();
        let (store, model) = build::model(&model_config, classes.unwrap_or(1).max(3), device)?;
        let mut training = config.training.clone();
        training.param_scheduler.clear();
        training.optim_wrapper.loss_scale = None;
        let optim = build::optimizer(&training, &store, precision, 1., 1)?;
        let objects: Vec<&[Object]> = batch.samples.iter().map(|sample| &sample.objects[..]).collect();
        let targets = model.targets(&objects, batch.height, batch.width);
        let images = model.images(&batch.pixels, batch.height, batch.width);
        let (forward, step) = (Vec::new(), Vec::new());
        Ok(Self { channels_last, precision, model, optim, images, targets, forward, step, peak: None })
    }

    /// Two steps, the second of which shows how much memory one needs.
    fn warm_up(&mut self, device: Device) -> Result<()> {
        self.train()?;
        let _ = reset_peak_memory(device);
        self.train()?;
        self.peak = peak_memory(device).ok();
        self.infer();
        Ok(())
    }

    fn round(&mut self, device: Device) -> Result<()> {
        synchronize(device);
        let begin = Instant::now();
        self.infer();
        synchronize(device);
        let middle = Instant::now();
        self.train()?;
        synchronize(device);
        self.forward.push((middle - begin).as_secs_f64());
        self.step.push(middle.elapsed().as_secs_f64());
        Ok(())
    }

    fn train(&mut self) -> Result<()> {
        let step = || step(&self.model, &mut self.optim, &self.images, &self.targets);
        let _ = with_precision(self.precision, step)?;
        Ok(())
    }

    fn infer(&self) {
        let forward = || self.model.forward(&self.images, false);
        drop(tch::no_grad(|| with_precision(self.precision, forward)));
    }

    fn label(&self) -> String {
        format!("{}{}", self.precision, if self.channels_last { ", channels last" } else { "" })
    }
}

/// Waits for what a GPU was told to do.
fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        tch::Cuda::synchronize(i64::try_from(index).unwrap_or(0));
    }
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

#[allow(clippy::cast_precision_loss)] // images, bytes
fn print(rows: &[Row], batch: usize) {
    let base = rows.iter().find(|row| row.precision == Precision::Full && row.channels_last);
    let ratio = |times: fn(&Row) -> &Vec<f64>, row: &Row| {
        base.map_or("-".to_owned(), |base| format!("{:.2}x", median(times(base)) / median(times(row))))
    };
    let cells = rows.iter().map(|row| {
        let (forward, step) = (median(&row.forward), median(&row.step));
        let peak = row.peak.map_or("-".to_owned(), |peak| format!("{}", peak >> 20));
        vec![
            row.label(),
            format!("{:.0}", forward * 1e3),
            format!("{:.1}", batch as f64 / forward),
            ratio(|row| &row.forward, row),
            format!("{:.0}", step * 1e3),
            format!("{:.1}", batch as f64 / step),
            ratio(|row| &row.step, row),
            peak,
        ]
    });
    let heads = ["", "forward ms", "images/s", "vs f32", "step ms", "images/s", "vs f32", "peak MB"];
    println!("{}", table(&heads, &cells.collect::<Vec<_>>()));
    println!(
        "vs f32: against f32 with channels last; peak: of one step, on a CPU of the whole process with all rows' models"
    );
}

fn write(path: &Path, rows: &[Row], batch: &Batch, name: &Path, device: Device) -> Result<()> {
    let list: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "precision": row.precision.to_string(),
                "channels_last": row.channels_last,
                "forward_seconds": row.forward,
                "step_seconds": row.step,
                "peak_bytes": row.peak,
            })
        })
        .collect();
    let document = json!({
        "config": name,
        "batch_size": batch.samples.len(),
        "width": batch.width,
        "height": batch.height,
        "device": format!("{device:?}"),
        "threads": tch::get_num_threads(),
        "rows": list,
    });
    std::fs::write(path, serde_json::to_vec_pretty(&document)?)
        .with_context(|| format!("cannot write `{}`", path.display()))
}
