//! `browse`: what training sees.
use super::place::folder;
use crate::build;
use crate::cli::BrowseArgs;
use crate::config::{Config, Overrides};
use crate::report::{Label, Log, Style, annotate, grid};
use anyhow::{Context, Result};
use image::RgbImage;

pub(super) fn run(args: &BrowseArgs) -> Result<()> {
    let log = Log::to_terminal();
    let overrides = Overrides { options: &args.cfg_options, seed: args.seed, ..Overrides::default() };
    let config = Config::load(&args.config, overrides)?;
    let sections = &config.sections;
    let dataset = build::dataset(&sections.train_dataloader, &log)?;
    let loader =
        build::loader(&sections.train_dataloader, dataset, &sections.model, Some(sections.randomness.seed))?;
    folder(&args.out)?;
    let dataset = loader.dataset();
    let mut cells = Vec::new();
    for batch in loader.epoch(1, 0) {
        let batch = batch?;
        let bytes = batch.height as usize * batch.width as usize * 3;
        for (sample, pixels) in batch.samples.iter().zip(batch.pixels.chunks_exact(bytes.max(1))) {
            if cells.len() == args.num {
                break;
            }
            let image = RgbImage::from_raw(batch.width, batch.height, pixels.to_vec());
            let mut image = image.context("a batch that is not as large as it says")?;
            let labels = sample.objects.iter().map(|object| Label {
                bbox: object.bbox,
                class: object.class,
                style: Style::Annotated,
            });
            annotate(&mut image, &labels.collect::<Vec<_>>(), &dataset.classes);
            let name = &dataset.images[sample.index].name;
            let stem =
                std::path::Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let file = args.out.join(format!("{stem}.png"));
            image.save(&file).with_context(|| format!("cannot write `{}`", file.display()))?;
            cells.push((name.clone(), image));
        }
        if cells.len() == args.num {
            break;
        }
    }
    for problem in loader.broken() {
        log.warning(format_args!("{problem}; it is left out"));
    }
    let sheet = args.out.join("sheet.png");
    grid(&cells, 4).save(&sheet).with_context(|| format!("cannot write `{}`", sheet.display()))?;
    log.info(format_args!(
        "{} images in `{}`, all of them in `{}`",
        cells.len(),
        args.out.display(),
        sheet.display()
    ));
    Ok(())
}
