//! `predict`: what a trained model finds in images, drawn and listed.
use super::place::folder;
use super::trained::{config, load};
use crate::bbox::Detection;
use crate::cli::PredictArgs;
use crate::data::{Batch, Pipeline, decode};
use crate::infer::detect;
use crate::report::{Label, Log, annotate};
use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::path::Path;

pub(super) fn run(args: &PredictArgs) -> Result<()> {
    if !(0. ..=1.).contains(&args.score_thr) {
        bail!("`--score-thr {}` is not between 0 and 1", args.score_thr);
    }
    let log = Log::to_terminal();
    let config = config(&args.model, &args.args)?;
    let sections = &config.sections;
    let dataloader = sections.test_dataloader.as_ref().or(sections.val_dataloader.as_ref());
    let dataset = &dataloader.unwrap_or(&sections.train_dataloader).dataset;
    let pipeline = Pipeline::new(&dataset.pipeline)?;
    let classes = crate::build::classes(dataset)?;
    let divisor = sections.model.data_preprocessor.pad_size_divisor;
    let trained = load(&args.model, &args.args, config.clone(), classes.len())?;
    folder(&args.out)?;
    let mut listed = Vec::new();
    let mut unread = Vec::new();
    for path in &args.images {
        let read = std::fs::read(path).map_err(anyhow::Error::from);
        let image = match read.and_then(|bytes| Ok(decode(&bytes)?)) {
            Ok(image) => image,
            Err(error) => {
                log.warning(format_args!("`{}` cannot be read: {error}", path.display()));
                unread.push(path);
                continue;
            }
        };
        let mut drawn = image.clone();
        let sample = pipeline.apply(0, image, &[], &mut ChaCha8Rng::seed_from_u64(0));
        let batch = Batch::new(vec![sample], divisor);
        let mut found = detect(&trained.model, &batch, trained.precision)?.pop().unwrap_or_default();
        found.retain(|detection| detection.score >= args.score_thr);
        let labels: Vec<Label> = found.iter().map(Label::of).collect();
        annotate(&mut drawn, &labels, &classes);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = args.out.join(format!("{stem}.png"));
        drawn.save(&file).with_context(|| format!("cannot write `{}`", file.display()))?;
        log.info(format_args!(
            "`{}`: {}, drawn in `{}`",
            path.display(),
            counts(&found, &classes),
            file.display()
        ));
        listed.push(entry(path, &found, &classes));
    }
    let list = args.out.join("predictions.json");
    std::fs::write(&list, serde_json::to_vec_pretty(&listed)?)
        .with_context(|| format!("cannot write `{}`", list.display()))?;
    if !unread.is_empty() {
        bail!("{} of {} images could not be read", unread.len(), args.images.len());
    }
    Ok(())
}

fn counts(found: &[Detection], classes: &[String]) -> String {
    let counts = classes.iter().enumerate().filter_map(|(class, name)| {
        let count = found.iter().filter(|detection| detection.class == class).count();
        (count > 0).then(|| format!("{count} {name}"))
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
}

fn entry(path: &Path, found: &[Detection], classes: &[String]) -> serde_json::Value {
    let detections: Vec<_> = found
        .iter()
        .map(|detection| {
            let bbox = detection.bbox;
            json!({ "class": classes[detection.class], "score": detection.score, "bbox": [bbox.x1, bbox.y1, bbox.x2, bbox.y2] })
        })
        .collect();
    json!({ "image": path, "detections": detections })
}
