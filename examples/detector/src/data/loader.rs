//! Batches, decoded by threads while the device computes.
use super::dataset::Dataset;
use super::pipeline::{Pipeline, Sample};
use super::problem::{DataError, Problem};
use crate::bbox::Object;
use crate::config::OnBadData;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// How batches are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Images per batch.
    pub batch_size: usize,
    /// Threads.
    pub num_workers: usize,
    /// Whether the images of an epoch that do not fill a batch are left out.
    pub drop_last: bool,
    /// Whether each epoch has its own order.
    pub shuffle: bool,
    /// Of order and augmentation.
    pub seed: u64,
    /// Width and height of a batch are multiples of this many pixels.
    pub pad_size_divisor: u32,
    /// What happens when an image cannot be decoded.
    pub on_bad_data: OnBadData,
}

/// Images of one size, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Red, green and blue of `samples.len() * height * width` pixels; 0 right of and below an image.
    pub pixels: Vec<u8>,
    /// In pixels.
    pub height: u32,
    /// In pixels.
    pub width: u32,
    /// The images.
    pub samples: Vec<Placed>,
}

/// An image in a batch, in its upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Which image of the data set it is.
    pub index: usize,
    /// Its objects, in these pixels.
    pub objects: Vec<Object>,
    /// Its width and height in pixels, without the padding.
    pub size: [u32; 2],
    /// Factors from the original to this image, horizontally and vertically.
    pub scale: [f32; 2],
}

/// Makes the batches of a data set.
#[derive(Debug, Clone)]
pub struct Loader {
    dataset: Arc<Dataset>,
    pipeline: Arc<Pipeline>,
    options: LoaderOptions,
    broken: Arc<Mutex<BrokenFiles>>,
}

/// Each image that could not be decoded, once.
#[derive(Debug, Default)]
struct BrokenFiles {
    seen: HashSet<usize>,
    unread: Vec<Problem>,
}

impl Loader {
    /// A loader.
    pub fn new(dataset: Arc<Dataset>, pipeline: Pipeline, options: LoaderOptions) -> Self {
        Self { dataset, pipeline: Arc::new(pipeline), options, broken: Arc::default() }
    }

    /// The data set.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// How many batches an epoch has.
    pub fn batches_per_epoch(&self) -> usize {
        let size = self.options.batch_size.max(1);
        if self.options.drop_last { self.dataset.len() / size } else { self.dataset.len().div_ceil(size) }
    }

    /// Images that could not be decoded since the last call; each is told once.
    pub fn broken(&self) -> Vec<Problem> {
        std::mem::take(&mut self.broken.lock().unwrap_or_else(PoisonError::into_inner).unread)
    }

    /// The batches of an epoch from batch `from` on, in order. Which images are in a batch, and how they are changed,
    /// depends on seed and epoch alone, not on the number of threads.
    pub fn epoch(&self, epoch: u64, from: usize) -> Epoch {
        let mut order: Vec<usize> = (0..self.dataset.len()).collect();
        if self.options.shuffle {
            order.shuffle(&mut generator(self.options.seed, epoch, 0));
        }
        let size = self.options.batch_size.max(1);
        let chunks = order.chunks(size).take(self.batches_per_epoch()).skip(from).map(<[usize]>::to_vec);
        let batches: Arc<[Vec<usize>]> = chunks.collect();
        let workers = self.options.num_workers.clamp(1, batches.len().max(1));
        // Worker `k` makes the batches `k`, `k + workers`, and so on, so that taking turns is their order, and no worker is
        // more than a batch that is ready and one in the making ahead.
        let lane = |worker: usize| {
            let (ready, finished) = sync_channel(1);
            let (loader, batches) = (self.clone(), batches.clone());
            let work = move || {
                for indices in batches.iter().skip(worker).step_by(workers) {
                    // Nobody listens any more: the epoch was dropped.
                    if ready.send(loader.batch(epoch, indices)).is_err() {
                        return;
                    }
                }
            };
            // A thread that cannot be had hangs up at once, which the epoch hears.
            drop(thread::Builder::new().name(format!("loader {worker}")).spawn(work));
            finished
        };
        Epoch { lanes: (0..workers).map(lane).collect(), next: 0, len: batches.len() }
    }

    fn batch(&self, epoch: u64, indices: &[usize]) -> Result<Batch, DataError> {
        let mut samples = Vec::with_capacity(indices.len());
        for &index in indices {
            match self.dataset.decode(index) {
                Ok(image) => {
                    let mut rng = generator(self.options.seed, epoch, index + 1);
                    let objects = &self.dataset.images[index].objects;
                    samples.push(self.pipeline.apply(index, image, objects, &mut rng));
                }
                Err(problem) if self.options.on_bad_data == OnBadData::Refuse => {
                    return Err(DataError::Broken(problem));
                }
                Err(problem) => {
                    let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
                    if broken.seen.insert(index) {
                        broken.unread.push(problem);
                    }
                }
            }
        }
        Ok(Batch::new(samples, self.options.pad_size_divisor))
    }
}

/// The generator of an image in an epoch; 0 is the order's.
fn generator(seed: u64, epoch: u64, stream: usize) -> ChaCha8Rng {
    // Two epochs of one seed have nothing in common, nor have two seeds.
    let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(epoch));
    rng.set_stream(u64::try_from(stream).unwrap_or(u64::MAX));
    rng
}

impl Batch {
    /// Images in their upper left corners, padded to a multiple of `divisor` pixels.
    pub fn new(samples: Vec<Sample>, divisor: u32) -> Self {
        let padded = |side: Option<u32>| side.unwrap_or(0).next_multiple_of(divisor.max(1));
        let width = padded(samples.iter().map(|sample| sample.image.width()).max());
        let height = padded(samples.iter().map(|sample| sample.image.height()).max());
        let row = width as usize * 3;
        let mut pixels = vec![0; samples.len() * height as usize * row];
        for (sample, canvas) in samples.iter().zip(pixels.chunks_exact_mut((height as usize * row).max(1))) {
            let own = sample.image.width() as usize * 3;
            for (from, to) in sample.image.chunks_exact(own.max(1)).zip(canvas.chunks_exact_mut(row.max(1))) {
                to[..own].copy_from_slice(from);
            }
        }
        let placed = samples.into_iter().map(|Sample { index, image, objects, scale }| Placed {
            index,
            objects,
            size: [image.width(), image.height()],
            scale,
        });
        Self { pixels, height, width, samples: placed.collect() }
    }
}

/// The batches of an epoch. Dropping it ends its threads after the batch that each is at.
#[derive(Debug)]
pub struct Epoch {
    lanes: Vec<Receiver<Result<Batch, DataError>>>,
    next: usize,
    len: usize,
}

/// A batch none of whose images could be decoded comes without samples.
impl Iterator for Epoch {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.len {
            return None;
        }
        let lane = self.lanes.get(self.next % self.lanes.len())?;
        self.next += 1;
        Some(lane.recv().unwrap_or_else(|_| {
            self.next = self.len;
            Err(DataError::Worker)
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.len - self.next;
        (left, Some(left))
    }
}
