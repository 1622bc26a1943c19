//! How long one expansion takes, by the length of the function: `cargo bench -p amp-macros`.
//!
//! A macro's crate exports nothing but macros, so its rooms are built into this program once more. Tokens are those of
//! `proc-macro2` outside a compiler; inside one, every token crosses a bridge, which this does not see.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "the doors are missing here")]

extern crate proc_macro;

#[path = "../src/analyse/mod.rs"]
mod analyse;
#[path = "../src/args.rs"]
mod args;
#[path = "../src/diagnose/mod.rs"]
mod diagnose;
#[path = "../src/errors.rs"]
mod errors;
#[path = "../src/explain.rs"]
mod explain;
#[path = "../src/fallback.rs"]
mod fallback;
#[path = "../src/names.rs"]
mod names;
#[path = "../src/pipeline.rs"]
mod pipeline;
#[path = "../src/plan.rs"]
mod plan;
#[path = "../src/policy/mod.rs"]
mod policy;
#[path = "../src/rewrite/mod.rs"]
mod rewrite;
#[path = "../src/syntax/mod.rs"]
mod syntax;
#[path = "../src/train_step/mod.rs"]
mod train_step;

use proc_macro2::TokenStream;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Twenty lines as they stand in a model: half of them with a site or a layer call.
const LINES: &str = "
    let n@ = self.config.heads * 2 + 1;
    let (b@, t@, c@) = xs.size3().unwrap();
    let q@ = xs.apply(&self.query).view([b@, t@, n@, c@ / n@]).transpose(1, 2);
    let k@ = xs.apply(&self.key).view([b@, t@, n@, c@ / n@]).transpose(1, 2);
    let att@ = q@.matmul(&k@.transpose(-2, -1)) * (1.0 / f64::from(n@).sqrt());
    let att@ = att@.masked_fill(&self.mask.i((.., .., ..t@, ..t@)).eq(0.), f64::NEG_INFINITY);
    let att@ = att@.softmax(-1, xs.kind()).dropout(self.config.dropout, train);
    let ys@ = att@.matmul(&xs).transpose(1, 2).contiguous().view([b@, t@, c@]);
    if train && n@ > 3 {
        println!(\"{} {:?}\", n@, ys@.size());
    }
    let mut state@ = ys@.shallow_clone();
    for layer in self.layers.iter() {
        state@ = layer.forward(&state@).relu() + &ys@;
    }
    let norm@ = state@.layer_norm([c@], Some(&self.weight), Some(&self.bias), 1e-5, true);
    let pooled@ = match n@ { 0 => norm@.mean(Kind::Float), _ => norm@.exp().sum(Kind::Float) };
    let loss@ = pooled@.log().square();
    total += loss@.double_value(&[]);
    let xs = ys@;
";

fn function(lines: usize) -> TokenStream {
    let mut code = "fn forward(&self, xs: &Tensor, train: bool) -> Tensor { let mut total = 0.;".to_owned();
    for block in 0..lines / 20 {
        let _ = write!(code, "{}", LINES.replace('@', &block.to_string()));
    }
    code += "xs }";
    code.parse().unwrap_or_default()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn main() {
    let sizes = [100, 200, 500, 1000, 2000, 5000];
    let functions = sizes.map(function);
    let mut times = vec![Vec::new(); sizes.len()];
    for round in 0..21 {
        for (times, function) in times.iter_mut().zip(&functions) {
            // A turn begins with an untimed run: the caches are those of this size, not of the one before.
            let _ = pipeline::expand(TokenStream::new(), function.clone());
            let item = function.clone();
            let start = Instant::now();
            let expanded = pipeline::expand(TokenStream::new(), item);
            let taken = start.elapsed();
            assert!(!expanded.to_string().contains("compile_error"), "the function is refused");
            if round > 0 {
                times.push(taken);
            }
        }
    }
    println!("lines   median    per 100 lines");
    let mut points = Vec::new();
    for (lines, times) in sizes.into_iter().zip(times) {
        let median = median(times);
        #[allow(clippy::cast_precision_loss, reason = "a few thousand lines")]
        let hundreds = lines as f64 / 100.;
        println!("{lines:>5}  {median:>7.2} ms  {:>6.2} ms", median / hundreds);
        points.push((hundreds, median));
    }
    // Least squares through all points: what a hundred lines more cost.
    #[allow(clippy::cast_precision_loss, reason = "six points")]
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let slope = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>()
        / points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
    println!("slope: {slope:.2} ms per 100 lines");
}
