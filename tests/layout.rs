//! Channels-last: is a model that was converted the same model, and does it train as one?
use amp_runtime::{
    Adam, AdamW, OptimWrapper, OptimizerConfig, Precision, Sgd, channels_last, count_ops,
    variables_to_channels_last,
};
use tch::nn::{self, Module, VarStore};
use tch::{Device, Kind, Tensor};

fn is_channels_last(tensor: &Tensor) -> bool {
    tensor.permute([0, 2, 3, 1]).is_contiguous() && !tensor.is_contiguous()
}

#[test]
fn a_converted_model_trains_as_before() {
    tch::manual_seed(1);
    let build = |store: &VarStore| nn::conv2d(store.root() / "conv", 3, 4, 3, nn::ConvConfig::default());
    let (plain, mut converted) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
    let nets = [build(&plain), build(&converted)];
    converted.copy(&plain).unwrap();
    variables_to_channels_last(&converted).unwrap();
    assert!(is_channels_last(&nets[1].ws));
    assert!(nets[1].ws.equal(&nets[0].ws));
    let xs = Tensor::randn([2, 3, 8, 8], (Kind::Float, Device::Cpu));
    let inputs = [xs.shallow_clone(), channels_last(&xs).unwrap()];
    assert!(is_channels_last(&inputs[1]) && inputs[1].equal(&xs));
    let mut optims = [&plain, &converted].map(|store| {
        let sgd = Sgd { lr: 0.1, momentum: 0.9, ..Sgd::default() };
        OptimWrapper::builder(sgd).precision(Precision::Full).build(store).unwrap()
    });
    for _ in 0..5 {
        for ((net, xs), optim) in nets.iter().zip(&inputs).zip(&mut optims) {
            let out = net.forward(xs);
            assert_eq!(is_channels_last(&out), is_channels_last(xs));
            drop(optim.update_params(&out.square().mean(Kind::Float)).unwrap());
        }
    }
    assert!(is_channels_last(&nets[1].ws));
    // Five updates of sums of 27 to 72 products, in another order.
    assert!(nets[0].ws.allclose(&nets[1].ws, 1e-5, 1e-6, false));
}

/// libtorch's kernels copy what is not contiguous, for nothing.
#[test]
fn an_update_takes_weights_as_they_lie_and_copies_none() {
    // No vector of any width is left over, so each element goes through the same instructions in both layouts.
    let shape = [16, 8, 2, 2];
    let options = (Kind::Float, Device::Cpu);
    let configs: [OptimizerConfig; 4] = [
        Sgd { lr: 0.1, weight_decay: 0.01, ..Sgd::default() }.into(),
        Sgd { lr: 0.1, momentum: 0.9, nesterov: true, ..Sgd::default() }.into(),
        Adam { lr: 0.1, amsgrad: true, ..Adam::default() }.into(),
        AdamW { lr: 0.1, ..AdamW::default() }.into(),
    ];
    for config in configs {
        tch::manual_seed(2);
        let (start, grads) = (Tensor::randn(shape, options), Tensor::randn([5, 16, 8, 2, 2], options));
        let [plain, converted] = [false, true].map(|convert| {
            let store = VarStore::new(Device::Cpu);
            let mut weight = store.root().var("weight", &shape, nn::Init::Const(0.));
            tch::no_grad(|| weight.copy_(&start));
            if convert {
                variables_to_channels_last(&store).unwrap();
            }
            let mut optim = OptimWrapper::builder(config).precision(Precision::Full).build(&store).unwrap();
            for step in 0..5 {
                let loss = (&weight * channels_last(&grads.get(step)).unwrap()).sum(Kind::Float);
                let (outcome, ops) = count_ops(|| optim.update_params(&loss)).unwrap();
                drop(outcome.unwrap());
                assert_eq!(ops.get("aten::clone"), None, "{config:?}, channels last: {convert}: {ops:?}");
            }
            assert_eq!(is_channels_last(&weight), convert);
            weight
        });
        assert!(plain.equal(&converted), "{config:?}: the layout changes what an update computes");
        assert!(!plain.equal(&start));
    }
}

#[test]
fn other_tensors_come_back_as_they_are() {
    for shape in [&[5][..], &[2, 3], &[2, 3, 4], &[2, 3, 4, 5, 6]] {
        let tensor = Tensor::rand(shape, (Kind::Float, Device::Cpu));
        assert_eq!(channels_last(&tensor).unwrap().data_ptr(), tensor.data_ptr());
    }
}
