//! Channels-last: is a model that was converted the same model, and does it train as one?
use amp_runtime::{OptimWrapper, Precision, Sgd, channels_last, variables_to_channels_last};
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

#[test]
fn other_tensors_come_back_as_they_are() {
    for shape in [&[5][..], &[2, 3], &[2, 3, 4], &[2, 3, 4, 5, 6]] {
        let tensor = Tensor::rand(shape, (Kind::Float, Device::Cpu));
        assert_eq!(channels_last(&tensor).unwrap().data_ptr(), tensor.data_ptr());
    }
}
