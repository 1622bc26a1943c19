//! The loop around the step: epochs, log lines, evaluations, checkpoints.
use super::checkpoints::{Checkpoints, Progress, averaged};
use super::step::step;
use crate::bbox::Object;
use crate::config::{CustomHook, SaveBest, Sections};
use crate::data::{Batch, Loader};
use crate::infer::{Measured, detect_all, measure};
use crate::model::Detector;
use crate::report::{Log, ScalarsWriter, StepNumbers, TrainEntry, ValEntry, Window};
use amp_runtime::{Ema, OptimWrapper, Precision, StepOutcome, peak_memory, with_precision};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tch::Tensor;
use tch::nn::VarStore;

/// A training in hand.
#[derive(Debug)]
pub struct Trainer<'a> {
    /// The configuration.
    pub sections: &'a Sections,
    /// The variables.
    pub store: &'a VarStore,
    /// The model over them.
    pub model: &'a Detector,
    /// Their optimizer.
    pub optim: OptimWrapper,
    /// The precision of forwards.
    pub precision: Precision,
    /// Averaged weights, where they are wanted.
    pub ema: Option<Ema>,
    /// What is trained on.
    pub loader: &'a Loader,
    /// What is evaluated on.
    pub val_loader: Option<&'a Loader>,
    /// Where lines go.
    pub log: &'a Log,
    /// Where numbers go.
    pub scalars: Scalars,
    /// Where checkpoints go.
    pub checkpoints: Checkpoints,
    /// Where it is.
    pub progress: Progress,
    /// The steps since the last line.
    pub window: Window,
    /// Set when someone wants it to stop.
    pub stop: &'a AtomicBool,
}

/// Where numbers go.
#[derive(Debug)]
pub struct Scalars {
    /// `scalars.json`.
    pub json: ScalarsWriter,
    /// An event file.
    #[cfg(feature = "tensorboard")]
    pub events: crate::report::EventWriter,
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// After all epochs.
    Completed,
    /// Because the deciding number no longer rose.
    Early,
    /// Because it was told to; the checkpoint to go on from.
    Interrupted(PathBuf),
}

/// A step whose numbers may still be on their way from the device.
struct Pending {
    time: f64,
    data_time: f64,
    losses: Vec<(String, Tensor)>,
    outcome: StepOutcome,
}

/// After so many updates in a row that were skipped, training stops.
const HOPELESS: u64 = 100;

impl Trainer<'_> {
    /// Trains to the end, or until it is told to stop.
    ///
    /// # Errors
    /// Data that is refused, files that cannot be written, gradients that are never finite, and libtorch's own.
    pub fn run(&mut self) -> Result<Ended> {
        let epochs = self.sections.train_cfg.max_epochs;
        while self.progress.epoch < epochs {
            if let Some(checkpoint) = self.epoch()? {
                return Ok(Ended::Interrupted(checkpoint));
            }
            self.progress.epoch += 1;
            self.progress.iter = 0;
            if self.progress.epoch == epochs {
                self.finish_window()?;
            }
            let early = self.evaluate()?;
            let done = self.progress.epoch == epochs || early;
            if done || self.progress.epoch.is_multiple_of(self.sections.default_hooks.checkpoint.interval) {
                self.save()?;
            }
            if early {
                return Ok(Ended::Early);
            }
        }
        Ok(Ended::Completed)
    }

    /// The rest of an epoch; a checkpoint, if it was told to stop in the middle.
    fn epoch(&mut self) -> Result<Option<PathBuf>> {
        let epoch = self.progress.epoch + 1;
        let per_epoch = self.loader.batches_per_epoch() as u64;
        let from = usize::try_from(self.progress.iter).context("a checkpoint of another training")?;
        self.log.begin(
            format!("epoch {epoch}/{}", self.sections.train_cfg.max_epochs),
            per_epoch,
            from as u64,
        );
        let mut pending = Vec::new();
        let mut last_loss = f64::NAN;
        let mut before = Instant::now();
        for batch in self.loader.epoch(epoch, from) {
            let batch = batch?;
            let data_time = before.elapsed().as_secs_f64();
            self.tell_broken();
            self.progress.iter += 1;
            self.progress.step += 1;
            if !batch.samples.is_empty() {
                let (losses, outcome) = self.step(&batch)?;
                pending.push(Pending { time: 0., data_time, losses, outcome });
            }
            let time = before.elapsed().as_secs_f64();
            if let Some(step) = pending.last_mut() {
                step.time = time;
            }
            before = Instant::now();
            let iter = self.progress.iter;
            if iter.is_multiple_of(self.sections.default_hooks.logger.interval) || iter == per_epoch {
                for step in pending.drain(..) {
                    self.window.add(read(&step)?);
                }
                if !self.window.is_empty() {
                    last_loss = self.log_line(epoch, per_epoch)?;
                }
            }
            self.log.advance(|| format!("loss {last_loss:.3}"));
            if self.stop.load(Ordering::Relaxed) && iter < per_epoch {
                self.log.end();
                return self.save().map(Some);
            }
        }
        self.log.end();
        Ok(None)
    }

    /// Updates with what is left over where `accumulative_counts` does not divide the training, as MMEngine does.
    fn finish_window(&mut self) -> Result<()> {
        if let Some(outcome) = self.optim.finish_window()?
            && let Some(ema) = &mut self.ema
        {
            ema.update(&outcome)?;
        }
        Ok(())
    }

    fn step(&mut self, batch: &Batch) -> Result<(Vec<(String, Tensor)>, StepOutcome)> {
        let Batch { pixels, height, width, samples } = batch;
        let objects: Vec<&[Object]> = samples.iter().map(|sample| &sample.objects[..]).collect();
        let targets = self.model.targets(&objects, *height, *width);
        let images = self.model.images(pixels, *height, *width);
        let (losses, outcome) =
            with_precision(self.precision, || step(self.model, &mut self.optim, &images, &targets))?;
        if let Some(ema) = &mut self.ema {
            ema.update(&outcome)?;
        }
        let total = [("loss".to_owned(), losses.total.detach())];
        let parts = losses.parts.iter().map(|(name, loss)| ((*name).to_owned(), loss.detach()));
        Ok((total.into_iter().chain(parts).collect(), outcome))
    }

    /// Writes the line of the steps since the last one, and returns their loss.
    fn log_line(&mut self, epoch: u64, per_epoch: u64) -> Result<f64> {
        if self.window.trailing_skips() >= HOPELESS {
            bail!(
                "the last {HOPELESS} updates were skipped: their gradients were not finite\n\
                 help: a lower learning rate, a longer warm-up or `clip_grad`; and look at the data with `browse`"
            );
        }
        let steps = self.window.take();
        let left = (self.sections.train_cfg.max_epochs * per_epoch).saturating_sub(self.progress.step);
        let has_scale = self.precision == Precision::F16;
        #[allow(clippy::cast_precision_loss)] // steps
        let entry = TrainEntry {
            epoch,
            iter: self.progress.iter,
            iters_per_epoch: per_epoch,
            step: self.progress.step,
            lr: self.optim.groups().first().map_or(self.optim.lr(), |group| group.lr),
            eta: steps.time * left as f64,
            time: steps.time,
            data_time: steps.data_time,
            memory: peak_memory(self.store.device()).ok().map(|bytes| bytes >> 20),
            grad_norm: steps.grad_norm,
            losses: steps.losses,
            scaling: has_scale
                .then(|| anyhow::Ok((self.optim.loss_scale()?, self.optim.skipped_updates()?)))
                .transpose()?,
        };
        self.log.info(&entry);
        let loss = entry.losses.first().map_or(f64::NAN, |(_, loss)| *loss);
        self.write(&entry.to_json())?;
        Ok(loss)
    }

    /// Evaluates, if it is time to; whether training should stop early.
    fn evaluate(&mut self) -> Result<bool> {
        let train_cfg = self.sections.train_cfg;
        let epoch = self.progress.epoch;
        let due = epoch >= train_cfg.val_begin && epoch.is_multiple_of(train_cfg.val_interval);
        let Some(loader) = self.val_loader.filter(|_| due || epoch == train_cfg.max_epochs) else {
            return Ok(false);
        };
        let (model, precision, log, evaluator) =
            (self.model, self.precision, self.log, self.sections.val_evaluator);
        log.begin("evaluation".to_owned(), loader.batches_per_epoch() as u64, 0);
        let evaluate = || -> Result<(Measured, ValEntry)> {
            let found = detect_all(model, loader, precision, || log.advance(String::new))?;
            let dataset = loader.dataset();
            let truth: Vec<Vec<Object>> = dataset.images.iter().map(|image| image.objects.clone()).collect();
            let measured = measure(evaluator, &dataset.classes, &truth, &found.detections)?;
            #[allow(clippy::cast_precision_loss)] // batches
            let per_batch = |time: std::time::Duration| time.as_secs_f64() / found.batches.max(1) as f64;
            let entry = ValEntry {
                epoch,
                step: 0,
                batches: found.batches,
                metrics: measured.metrics.clone(),
                time: per_batch(found.time),
                data_time: per_batch(found.data_time),
            };
            Ok((measured, entry))
        };
        let (measured, mut entry) = match &mut self.ema {
            Some(ema) => averaged(ema, evaluate)?,
            None => evaluate()?,
        };
        log.end();
        entry.step = self.progress.step;
        log.info(format_args!("evaluation\n{}", measured.text));
        log.info(&entry);
        self.write(&entry.to_json())?;
        let metric = entry.metrics.first().map_or("", |(name, _)| name).to_owned();
        self.keep_best(&measured, &metric)
    }

    /// Keeps the model if it is the best so far; whether training should stop early.
    fn keep_best(&mut self, measured: &Measured, metric: &str) -> Result<bool> {
        let stopping = self.sections.custom_hooks.iter().find_map(|hook| match hook {
            CustomHook::EarlyStopping(stopping) => Some(stopping),
            CustomHook::Ema { .. } => None,
        });
        let min_delta = stopping.map_or(0., |stopping| stopping.min_delta);
        let best = self.progress.best;
        if best.is_none_or(|(best, _)| measured.deciding > best + min_delta) {
            self.progress.since_best = 0;
        } else {
            self.progress.since_best += 1;
        }
        if best.is_none_or(|(best, _)| measured.deciding > best) {
            let epoch = self.progress.epoch;
            self.progress.best = Some((measured.deciding, epoch));
            if self.sections.default_hooks.checkpoint.save_best != SaveBest::Off {
                let (checkpoints, store) = (&self.checkpoints, self.store);
                let save = || checkpoints.save_best(store, metric, epoch);
                let path = match &mut self.ema {
                    Some(ema) => averaged(ema, save)?,
                    None => save()?,
                };
                self.log.info(format_args!(
                    "the best so far, {:.4}, is kept in `{}`",
                    measured.deciding,
                    path.display()
                ));
            }
        }
        let early = stopping.is_some_and(|stopping| self.progress.since_best >= stopping.patience);
        if early {
            let evaluations = self.progress.since_best;
            self.log
                .info(format_args!("training stops: `{metric}` did not rise in {evaluations} evaluations"));
        }
        Ok(early)
    }

    fn save(&mut self) -> Result<PathBuf> {
        let path = self.checkpoints.save(self.store, &mut self.optim, self.ema.as_mut(), &self.progress)?;
        self.log.info(format_args!("checkpoint in `{}`", path.display()));
        Ok(path)
    }

    fn write(&mut self, line: &serde_json::Value) -> Result<()> {
        self.scalars.json.write(line).context("cannot write `scalars.json`")?;
        #[cfg(feature = "tensorboard")]
        if let Some(values) = line.as_object() {
            let numbers = values.iter().filter_map(|(name, value)| Some((&name[..], value.as_f64()?)));
            self.scalars.events.write(self.progress.step, numbers).context("cannot write the event file")?;
        }
        Ok(())
    }

    fn tell_broken(&self) {
        for problem in self.loader.broken() {
            self.log.warning(format_args!("{problem}; it is left out"));
        }
    }
}

/// Waits for the numbers of a step.
fn read(step: &Pending) -> Result<StepNumbers> {
    let losses = step.losses.iter().map(|(name, loss)| Ok((name.clone(), f64::try_from(loss)?)));
    let stats = step.outcome.stats();
    Ok(StepNumbers {
        time: step.time,
        data_time: step.data_time,
        losses: losses.collect::<Result<_>>()?,
        grad_norm: stats.map(amp_runtime::StepStats::grad_norm).transpose()?.flatten(),
        skipped: stats.map(amp_runtime::StepStats::skipped).transpose()?.unwrap_or(false),
    })
}
