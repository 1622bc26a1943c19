//! `test`: how good a trained model is.
use super::place::folder;
use super::trained::{config, load, test_loader};
use crate::bbox::Object;
use crate::cli::TestArgs;
use crate::data::Loader;
use crate::infer::{Found, detect_all, measure};
use crate::report::{Label, Log, Style, annotate};
use anyhow::{Context, Result};
use serde_json::json;
use std::path::Path;

pub(super) fn run(args: &TestArgs) -> Result<()> {
    let log = Log::to_terminal();
    let config = config(&args.model, &args.args)?;
    let loader = test_loader(&config, &log)?;
    let classes = loader.dataset().classes.clone();
    let trained = load(&args.model, &args.args, config, classes.len())?;
    log.info(format_args!(
        "`{}` in {}, on {} images",
        trained.checkpoint.display(),
        trained.precision,
        loader.dataset().len()
    ));
    log.begin("test".to_owned(), loader.batches_per_epoch() as u64, 0);
    let found = detect_all(&trained.model, &loader, trained.precision, || log.advance(String::new))?;
    log.end();
    for problem in loader.broken() {
        log.warning(format_args!("{problem}; its objects count as missed"));
    }
    let sections = &trained.config.sections;
    let evaluator = sections.test_evaluator.unwrap_or(sections.val_evaluator);
    let truth: Vec<Vec<Object>> = loader.dataset().images.iter().map(|image| image.objects.clone()).collect();
    let measured = measure(evaluator, &classes, &truth, &found.detections)?;
    log.info(format_args!("\n{}", measured.text));
    let numbers: Vec<String> =
        measured.metrics.iter().map(|(name, number)| format!("{name}: {number:.4}")).collect();
    #[allow(clippy::cast_precision_loss)] // images
    let rate = loader.dataset().len() as f64 / found.time.as_secs_f64();
    log.info(format_args!("{}  {rate:.1} images/s", numbers.join("  ")));
    if let Some(path) = &args.out {
        write(path, &loader, &found)?;
        log.info(format_args!("detections in `{}`", path.display()));
    }
    if let Some(path) = &args.show_dir {
        show(path, &loader, &found)?;
        log.info(format_args!("images in `{}`", path.display()));
    }
    Ok(())
}

/// COCO's results format: boxes as left, top, width, height; category ids count from 1.
fn write(path: &Path, loader: &Loader, found: &Found) -> Result<()> {
    let images = loader.dataset().images.iter().zip(&found.detections);
    let results: Vec<_> = images
        .flat_map(|(image, detections)| {
            detections.iter().map(|found| {
                let bbox = [found.bbox.x1, found.bbox.y1, found.bbox.width(), found.bbox.height()];
                json!({
                    "image_id": image.id,
                    "file_name": image.name,
                    "category_id": found.class + 1,
                    "bbox": bbox,
                    "score": found.score,
                })
            })
        })
        .collect();
    std::fs::write(path, serde_json::to_vec(&results)?)
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn show(path: &Path, loader: &Loader, found: &Found) -> Result<()> {
    folder(path)?;
    let dataset = loader.dataset();
    for (index, (image, detections)) in dataset.images.iter().zip(&found.detections).enumerate() {
        let Ok(mut pixels) = dataset.decode(index) else { continue };
        let truth = image.objects.iter().map(|object| Label {
            bbox: object.bbox,
            class: object.class,
            style: Style::Truth,
        });
        let labels: Vec<Label> =
            truth.chain(detections.iter().filter(|found| found.score >= 0.3).map(Label::of)).collect();
        annotate(&mut pixels, &labels, &dataset.classes);
        let stem = Path::new(&image.name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = path.join(format!("{stem}.png"));
        pixels.save(&file).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(())
}
