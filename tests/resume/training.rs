//! A small training with everything that a checkpoint must hold: dropout, batch norm, overflows, open windows.
use amp_runtime::checkpoint::{self, CheckpointError, LoadOptions};
use amp_runtime::schedule::{Curve, Piece, Schedule};
use amp_runtime::{
    Adam, AdamW, ClipGrad, DynamicLossScale, LossScale, OptimWrapper, OptimizerConfig, Paramwise, Precision,
    Sgd, autocast,
};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::nn::{self, ModuleT, VarStore};
use tch::{Device, Kind, Tensor};

/// The random number generator and the number of threads belong to the process: one test at a time.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What tells a process of this binary which part to play, and where.
const PART: &str = "AMP_RESUME_PART";

/// This binary again, running one test only; its [`part`] is `folder`.
pub(crate) fn another_process(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(PART, folder);
    command
}

/// The folder of the test that started this process; none if nobody did.
pub(crate) fn part() -> Option<std::path::PathBuf> {
    std::env::var_os(PART).map(Into::into)
}

#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) optimizer: OptimizerConfig,
    pub(crate) precision: Precision,
    pub(crate) loss_scale: LossScale,
    pub(crate) channels_last: bool,
    /// One, for more would wait for each other wherever other programs keep the cores busy.
    pub(crate) threads: i32,
}

impl Case {
    pub(crate) fn new(
        optimizer: impl Into<OptimizerConfig>,
        precision: Precision,
        loss_scale: LossScale,
    ) -> Self {
        Self { optimizer: optimizer.into(), precision, loss_scale, channels_last: false, threads: 1 }
    }

    /// f16, whose scale grows and backs off, with `AMSGrad`: the largest state there is.
    pub(crate) fn largest() -> Self {
        Self::new(AdamW { amsgrad: true, ..AdamW::default() }, Precision::F16, lively_scale())
    }
}

/// Grows after two clean updates, backs off at the second overflow.
pub(crate) fn lively_scale() -> LossScale {
    LossScale::Dynamic(DynamicLossScale {
        init_scale: 1024.,
        growth_interval: 2,
        hysteresis: 2,
        ..DynamicLossScale::default()
    })
}

pub(crate) fn optimizers() -> Vec<(&'static str, OptimizerConfig)> {
    let sgd = Sgd { lr: 0.05, weight_decay: 1e-3, ..Sgd::default() };
    let momentum = Sgd { momentum: 0.9, ..sgd };
    let adam = Adam { lr: 1e-2, weight_decay: 1e-3, ..Adam::default() };
    vec![
        ("sgd", sgd.into()),
        ("momentum", momentum.into()),
        ("nesterov", Sgd { nesterov: true, ..momentum }.into()),
        ("dampening", Sgd { dampening: 0.3, ..momentum }.into()),
        ("adam", adam.into()),
        ("adamw", AdamW { lr: 1e-2, ..AdamW::default() }.into()),
        ("amsgrad", Adam { amsgrad: true, ..adam }.into()),
    ]
}

pub(crate) struct Training {
    pub(crate) store: VarStore,
    pub(crate) optim: OptimWrapper,
    net: nn::SequentialT,
    case: Case,
}

/// Batches that overflow: in the first update, shortly before the checkpoint, and twice in a row after it.
const OVERFLOWS: [u64; 4] = [1, 8, 15, 17];

impl Training {
    /// Other seeds, other weights: what is not loaded shows.
    pub(crate) fn new(case: Case, seed: i64) -> Self {
        tch::manual_seed(seed);
        tch::set_num_threads(case.threads);
        let store = VarStore::new(Device::Cpu);
        let root = store.root();
        let conv = nn::ConvConfig { padding: 1, ..Default::default() };
        let net = nn::seq_t()
            .add(nn::conv2d(&root / "conv", 4, 8, 3, conv))
            .add(nn::batch_norm2d(&root / "norm", 8, nn::BatchNormConfig::default()))
            .add_fn(Tensor::relu)
            .add_fn_t(|xs, train| xs.dropout(0.25, train))
            .add_fn(|xs| xs.mean_dim(&[2_i64, 3][..], false, None))
            .add(nn::linear(&root / "linear", 8, 3, nn::LinearConfig::default()));
        if case.channels_last {
            for mut variable in store.variables().into_values().filter(|variable| variable.dim() == 4) {
                let laid_out = variable.detach().permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
                variable.set_data(&laid_out);
            }
        }
        let warm_up = Piece::new(Curve::Linear { start_factor: 0.1, end_factor: 1. }).end(8);
        let optim = OptimWrapper::builder(case.optimizer)
            .precision(case.precision)
            .loss_scale(case.loss_scale)
            .clip_grad(ClipGrad::norm(2.))
            .paramwise(Paramwise { bias_lr_mult: Some(2.), ..Paramwise::default() })
            .schedule(Schedule::new([warm_up]).unwrap())
            .accumulate(2)
            .build(&store)
            .unwrap();
        Self { store, optim, net, case }
    }

    /// The data of a batch depends on its number alone; dropout, on the generator.
    pub(crate) fn train(&mut self, batches: std::ops::Range<u64>) {
        for batch in batches {
            let number = i64::try_from(batch).unwrap();
            let xs = (Tensor::arange(4 * 4 * 6 * 6, (Kind::Float, Device::Cpu)) * 0.37 + number).sin();
            let labels = (Tensor::arange(4, (Kind::Int64, Device::Cpu)) + number).remainder(3);
            let logits = autocast(self.case.precision, || self.net.forward_t(&xs.view([4, 4, 6, 6]), true));
            let mut loss = logits.to_kind(Kind::Float).cross_entropy_for_logits(&labels);
            if OVERFLOWS.contains(&batch) {
                loss *= f64::INFINITY;
            }
            let _ = self.optim.update_params(&loss).unwrap();
        }
    }

    pub(crate) fn save(&mut self, path: &Path) {
        checkpoint::save(path, &self.store, &mut self.optim, &extra()).unwrap();
    }

    pub(crate) fn load(&mut self, path: &Path, options: LoadOptions) -> Result<Value, CheckpointError> {
        checkpoint::load(path, &mut self.store, &mut self.optim, options)
    }

    /// All that the training is, as the bytes of a checkpoint: they are the same exactly if it is the same.
    pub(crate) fn fingerprint(&mut self) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fingerprint");
        self.save(&path);
        std::fs::read(path).unwrap()
    }

    /// Trains on, and draws a random number: what the checkpoint itself may have left out.
    pub(crate) fn future(&mut self, batches: std::ops::Range<u64>) -> Vec<u8> {
        self.train(batches);
        let mut bytes = self.fingerprint();
        for (name, variable) in
            self.store.variables().into_iter().collect::<std::collections::BTreeMap<_, _>>()
        {
            bytes.extend(name.as_bytes());
            bytes.extend(bytes_of(&variable));
        }
        bytes.extend(bytes_of(&Tensor::randn([5], (Kind::Double, Device::Cpu))));
        bytes
    }
}

pub(crate) fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.detach().contiguous();
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.copy_data_u8(&mut bytes, tensor.numel());
    bytes
}

/// Numbers that a careless parser changes in the last bit, and text that a careless search trips over.
pub(crate) fn extra() -> Value {
    json!({
        "epoch": 3,
        "iteration": u64::MAX,
        "best": [0.1 + 0.2, 1e-310, 5e-324, f64::MAX, 2.225_073_858_507_201e-308, -0.0, 1.0 / 3.0],
        "note": "\"checksum\":\"00000000\" and \u{1f600}",
    })
}
