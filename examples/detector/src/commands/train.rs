//! `train`: everything around the training itself.
use super::place::{device, folder};
use super::status::Status;
use crate::bbox::Object;
use crate::build;
use crate::cli::TrainArgs;
use crate::config::{Config, CustomHook, Overrides};
use crate::data::Loader;
use crate::infer::detect_all;
use crate::report::{Label, Log, ScalarsWriter, Style, Window, annotate, curves, grid, read_run};
use crate::train::{Checkpoints, Ended, Progress, Scalars, Trainer, averaged, preflight, resume};
use amp_runtime::{Ema, Precision};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tch::Device;
use tch::nn::VarStore;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(args: &TrainArgs) -> Result<Status> {
    let overrides = Overrides {
        options: &args.cfg_options,
        amp: args.amp.map(Precision::from),
        seed: args.seed,
        auto_scale_lr: args.auto_scale_lr,
        ..Overrides::default()
    };
    let config = Config::load(&args.config, overrides)?;
    let device = device(&args.compute)?;
    let work_dir = work_dir(args, &config);
    folder(&work_dir)?;
    let checkpoints = Checkpoints::new(&work_dir, keep(&config));
    let resumes = args.resume.is_some() || (config.sections.resume && !args.overwrite);
    let checkpoint = if resumes { resume_from(args, &config, &checkpoints)? } else { None };
    if checkpoint.is_none() {
        prepare_folder(&work_dir, args.overwrite || resumes)?;
    }
    let log = Log::to_file(&work_dir.join("train.log")).context("cannot write `train.log`")?;
    let precision = build::precision(&config, device);
    introduce(&config, device, precision, &work_dir, &log);
    if resumes && checkpoint.is_none() {
        let place = work_dir.display();
        log.info(format_args!("there is nothing to resume in `{place}`: training begins anew"));
    }

    let sections = &config.sections;
    let seed = sections.randomness.seed;
    tch::manual_seed(i64::try_from(seed).unwrap_or(i64::MAX));
    let train_set = build::dataset(&sections.train_dataloader, &log)?;
    let classes = train_set.classes.clone();
    let (mut store, model) = build::model(&sections.model, classes.len(), device)?;
    let loader = build::loader(&sections.train_dataloader, train_set, &sections.model, Some(seed))?;
    let val_loader = val_loader(&config, &classes, &log)?;
    let images = val_loader.as_ref().map_or(0, |loader| loader.dataset().len());
    let parameters: usize = store.trainable_variables().iter().map(tch::Tensor::numel).sum();
    log.info(format_args!(
        "{} images to train on, {images} to evaluate on; classes: {}; {parameters} parameters",
        loader.dataset().len(),
        classes.join(", ")
    ));

    build::initial_weights(&config, &mut store, &log)?;
    let updates = loader.batches_per_epoch() as u64;
    let updates = updates.div_ceil(u64::from(config.training.optim_wrapper.accumulative_counts.max(1)));
    let mut optim = build::optimizer(&config.training, &store, precision, config.lr_factor(), updates)?;
    let momentum = ema_momentum(&config);
    let (progress, ema) = match &checkpoint {
        None => {
            let ema = momentum.map(|momentum| Ema::new(&store, momentum)).transpose()?;
            (Progress { epoch: 0, iter: 0, step: 0, best: None, since_best: 0 }, ema)
        }
        Some(path) => {
            let resumed = resume(path, &mut store, &mut optim, momentum)?;
            log.info(format_args!("goes on from `{}`, after step {}", path.display(), resumed.0.step));
            resumed
        }
    };
    fs::write(work_dir.join("config.toml"), config.to_toml()).context("cannot write `config.toml`")?;
    if checkpoint.is_none() && !args.no_preflight {
        check(&model, &store, &loader, precision, &log)?;
    }
    let scalars = scalars(&work_dir, &progress)?;
    listen_to_interrupts()?;
    let mut trainer = Trainer {
        sections,
        store: &store,
        model: &model,
        optim,
        precision,
        ema,
        loader: &loader,
        val_loader: val_loader.as_ref(),
        log: &log,
        scalars,
        checkpoints,
        progress,
        window: Window::default(),
        stop: &STOP,
    };
    let begin = Instant::now();
    let ended = trainer.run()?;
    let seconds = begin.elapsed().as_secs_f64();
    draw(&mut trainer, &work_dir)?;
    if let Ended::Interrupted(checkpoint) = ended {
        let (config, work_dir) = (args.config.display(), work_dir.display());
        log.info(format_args!(
            "interrupted; everything is in `{}`\nto go on: detector train {config} --work-dir {work_dir} --resume",
            checkpoint.display()
        ));
        return Ok(Status::Interrupted);
    }
    let best = trainer.progress.best.map(|(best, epoch)| format!("; best {best:.4}, after epoch {epoch}"));
    log.info(format_args!("done in {seconds:.0} s{}", best.unwrap_or_default()));
    Ok(Status::Done)
}

/// Where numbers are written; those of a training that goes on stay. One that goes on elsewhere has none yet.
fn scalars(work_dir: &Path, progress: &Progress) -> Result<Scalars> {
    let file = work_dir.join("scalars.json");
    let json = if progress.step > 0 && file.exists() {
        ScalarsWriter::resume(&file, progress.step)
    } else {
        ScalarsWriter::create(&file)
    };
    Ok(Scalars {
        json: json.context("cannot write `scalars.json`")?,
        #[cfg(feature = "tensorboard")]
        events: crate::report::EventWriter::create(work_dir).context("cannot write an event file")?,
    })
}

/// The validation set, if there is one; its classes have to be those of training.
fn val_loader(config: &Config, classes: &[String], log: &Log) -> Result<Option<Loader>> {
    let Some(val) = &config.sections.val_dataloader else { return Ok(None) };
    let dataset = build::dataset(val, log)?;
    if dataset.classes != classes {
        bail!(
            "training and validation data have other classes: {} and {}\nhelp: set `metainfo.classes` in both",
            classes.join(", "),
            dataset.classes.join(", ")
        );
    }
    build::loader(val, dataset, &config.sections.model, None).map(Some)
}

/// Ctrl-C ends the training after the step in hand, a second one at once.
fn listen_to_interrupts() -> Result<()> {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("stopping after this step; press Ctrl-C again to stop without a checkpoint");
    };
    ctrlc::set_handler(handler).context("cannot listen to Ctrl-C")
}

/// `--work-dir`, else the configuration's, else `work_dirs/<configuration>`.
fn work_dir(args: &TrainArgs, config: &Config) -> PathBuf {
    let stem = args.config.file_stem().unwrap_or(args.config.as_os_str());
    let configured = || config.sections.work_dir.clone().unwrap_or_else(|| Path::new("work_dirs").join(stem));
    args.work_dir.clone().unwrap_or_else(configured)
}

/// The files of a training, as this program names them.
fn is_ours(name: &str) -> bool {
    let checkpoint = ["epoch_", "step_", "best_"].iter().any(|prefix| name.starts_with(prefix))
        && name.ends_with(".safetensors");
    let known =
        ["last_checkpoint", "scalars.json", "train.log", "config.toml", "curves.png", "predictions.png"];
    checkpoint || known.contains(&name) || name.starts_with("events.out.tfevents.")
}

/// The checkpoint to go on from: the one that was given, `load_from`, or the last one. Where there was none yet, a training begins:
/// who starts it again and again until it is through need not know which time is the first.
fn resume_from(args: &TrainArgs, config: &Config, checkpoints: &Checkpoints) -> Result<Option<PathBuf>> {
    match (&args.resume, &config.sections.load_from) {
        (Some(Some(given)), _) | (None, Some(given)) => Ok(Some(given.clone())),
        _ => checkpoints.last(),
    }
}

/// Makes the work folder ready for a new training. One that has a training already is refused, or emptied if that is wanted.
fn prepare_folder(work_dir: &Path, overwrite: bool) -> Result<()> {
    let entries = fs::read_dir(work_dir).with_context(|| format!("cannot read `{}`", work_dir.display()))?;
    let old: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| is_ours(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    // A log alone is of a training that failed before its first step.
    let has_training = old.iter().any(|path| {
        path.extension().is_some_and(|extension| extension == "safetensors" || extension == "json")
    });
    if has_training && !overwrite {
        bail!(
            "`{}` has a training already\nhelp: go on with `--resume`, choose another `--work-dir`, or delete it with `--overwrite`",
            work_dir.display()
        );
    }
    old.iter().try_for_each(|path| {
        fs::remove_file(path).with_context(|| format!("cannot delete `{}`", path.display()))
    })
}

fn introduce(config: &Config, device: Device, precision: Precision, work_dir: &Path, log: &Log) {
    let (seed, threads) = (config.sections.randomness.seed, tch::get_num_threads());
    log.info(format_args!(
        "trains in {precision} on {device:?}, {threads} threads, seed {seed}, in `{}`",
        work_dir.display()
    ));
    if !config.ignored.is_empty() {
        log.info(format_args!("keys that mean nothing here: {}", config.ignored.join(", ")));
    }
    let factor = config.lr_factor();
    if factor != 1. {
        log.info(format_args!("the learning rate is scaled by {factor} (`auto_scale_lr`)"));
    }
    if precision == Precision::F16 && device == Device::Cpu {
        log.warning(
            "f16 is very slow on a CPU, whose convolutions have no f16 kernels backward\nhelp: `--amp bf16`",
        );
    }
}

fn keep(config: &Config) -> Option<usize> {
    usize::try_from(config.sections.default_hooks.checkpoint.max_keep_ckpts).ok()
}

fn ema_momentum(config: &Config) -> Option<f64> {
    config.sections.custom_hooks.iter().find_map(|hook| match hook {
        CustomHook::Ema { momentum } => Some(*momentum),
        CustomHook::EarlyStopping(_) => None,
    })
}

/// Runs the first batch in both precisions.
fn check(
    model: &crate::model::Detector,
    store: &VarStore,
    loader: &Loader,
    precision: Precision,
    log: &Log,
) -> Result<()> {
    if precision == Precision::Full {
        return Ok(());
    }
    let Some(batch) = loader.epoch(1, 0).next().transpose()? else { return Ok(()) };
    if batch.samples.is_empty() {
        return Ok(());
    }
    let objects: Vec<&[Object]> = batch.samples.iter().map(|sample| &sample.objects[..]).collect();
    let targets = model.targets(&objects, batch.height, batch.width);
    let images = model.images(&batch.pixels, batch.height, batch.width);
    let found = preflight(model, store, &images, &targets, precision)?;
    if found.agrees() {
        log.info(found);
    } else {
        log.warning(format_args!("{found}\nhelp: compare the curves of a run with `--amp off`"));
    }
    Ok(())
}

/// Curves of the run, and what it finds now.
fn draw(trainer: &mut Trainer, work_dir: &Path) -> Result<()> {
    let log = trainer.log;
    if let Ok(run) = read_run(work_dir, None) {
        let path = work_dir.join("curves.png");
        curves(&[run], &path)?;
        log.info(format_args!("curves in `{}`", path.display()));
    }
    let hook = trainer.sections.default_hooks.visualization.clone();
    let Some(loader) = trainer.val_loader.filter(|_| hook.num_images > 0) else { return Ok(()) };
    let (model, precision) = (trainer.model, trainer.precision);
    let detect = || detect_all(model, loader, precision, || ());
    let found = match &mut trainer.ema {
        Some(ema) => averaged(ema, detect)?,
        None => detect()?,
    };
    let dataset = loader.dataset();
    let mut cells = Vec::new();
    for (index, detections) in found.detections.iter().enumerate().take(hook.num_images) {
        let Ok(mut image) = dataset.decode(index) else { continue };
        let mut labels: Vec<Label> = dataset.images[index]
            .objects
            .iter()
            .map(|object| Label { bbox: object.bbox, class: object.class, style: Style::Truth })
            .collect();
        labels.extend(detections.iter().filter(|found| found.score >= hook.score_thr).map(Label::of));
        annotate(&mut image, &labels, &dataset.classes);
        cells.push((dataset.images[index].name.clone(), image));
    }
    let path = work_dir.join("predictions.png");
    grid(&cells, 4).save(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    log.info(format_args!("predictions (colour) and truth (black) in `{}`", path.display()));
    Ok(())
}
