//! A kill at any moment leaves the previous checkpoint or the new one, and no pile of temporary files.
use crate::training::{alone, another_process, part};
use amp_runtime::checkpoint::{self, LoadOptions};
use amp_runtime::{AdamW, OptimWrapper, Precision};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tch::nn::{self, VarStore};
use tch::{Device, no_grad};

const KILLS: u64 = 50;

/// Two megabytes, all of one value.
fn state(value: f64) -> (VarStore, OptimWrapper) {
    tch::set_num_threads(1);
    let store = VarStore::new(Device::Cpu);
    nn::linear(store.root() / "a", 512, 320, nn::LinearConfig::default());
    no_grad(|| store.variables().into_values().for_each(|mut variable| drop(variable.fill_(value))));
    let optim = OptimWrapper::builder(AdamW::default()).precision(Precision::Full).build(&store).unwrap();
    (store, optim)
}

fn save(path: &Path, (store, optim): &mut (VarStore, OptimWrapper), value: f64) {
    checkpoint::save(path, store, optim, &json!(value)).unwrap();
}

fn partial_files(folder: &Path) -> usize {
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".partial")).count()
}

#[test]
fn a_killed_save_leaves_one_of_two_checkpoints() {
    let _alone = alone();
    if let Some(folder) = part() {
        let (mut one, mut two) = (state(1.), state(2.));
        loop {
            save(&folder.join("checkpoint"), &mut one, 1.);
            save(&folder.join("checkpoint"), &mut two, 2.);
            println!("\nsaved");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut random = 1_u64;
    let (mut seen, mut torn) = ([0, 0], 0);
    tch::manual_seed(0);
    let mut target = state(0.);
    for _ in 0..KILLS {
        let mut child = another_process("kill::a_killed_save_leaves_one_of_two_checkpoints", folder.path());
        let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "saved"));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((random >> 33) % 30_000));
        child.kill().unwrap();
        child.wait().unwrap();

        let value = checkpoint::load(&path, &mut target.0, &mut target.1, LoadOptions::default()).unwrap();
        let value = value.as_f64().unwrap();
        for variable in target.0.variables().into_values() {
            assert!(bool::try_from(variable.eq(value).all()).unwrap());
        }
        seen[usize::from(value > 1.5)] += 1;
        let left = partial_files(folder.path());
        torn += left;
        assert!(left <= 1, "{left} temporary files");
    }
    println!("found state one {} times, two {} times; {torn} saves were torn", seen[0], seen[1]);
    assert!(torn > 0 && seen.iter().all(|&times| times > 0), "the kills missed the saves");
    save(&path, &mut target, 3.);
    assert_eq!(partial_files(folder.path()), 0);
}

#[test]
fn saves_of_several_threads_do_not_remove_each_other() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    std::thread::scope(|scope| {
        for value in [1., 2., 3.] {
            let path = &path;
            scope.spawn(move || {
                let mut state = state(value);
                (0..20).for_each(|_| save(path, &mut state, value));
            });
        }
    });
    let mut target = state(0.);
    checkpoint::load(&path, &mut target.0, &mut target.1, LoadOptions::default()).unwrap();
    assert_eq!(partial_files(folder.path()), 0);
}
