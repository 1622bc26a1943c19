//! Models of tch and of its examples, with and without `#[amp]`: the same values in full precision, the same shapes in bf16.
use crate::{amped, plain};
use amp_runtime::{Precision, autocast, with_precision};
use tch::nn::{self, Module, ModuleT, RNN};
use tch::{Device, Kind, Tensor};

fn bytes(tensor: &Tensor) -> Vec<u8> {
    let tensor = tensor.detach().contiguous();
    let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.copy_data_u8(&mut bytes, tensor.numel());
    bytes
}

/// A model's outputs, from variables and draws of the same seed, and the gradients of its variables.
fn run(model: &dyn Fn(&nn::Path<'_>) -> Vec<Tensor>, backward: bool) -> (Vec<Tensor>, Vec<Tensor>) {
    tch::manual_seed(3);
    let vs = nn::VarStore::new(Device::Cpu);
    let _no_grad = (!backward).then(tch::no_grad_guard);
    let outputs = model(&vs.root());
    if backward {
        let loss: Tensor = outputs.iter().filter(|t| t.requires_grad()).map(|t| t.mean(Kind::Float)).sum();
        loss.backward();
    }
    let mut variables: Vec<_> = vs.variables().into_iter().collect();
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    let gradients = variables.into_iter().map(|(_, variable)| variable.grad()).filter(Tensor::defined).collect();
    (outputs, gradients)
}

fn compare(name: &str, backward: bool, plain: &dyn Fn(&nn::Path<'_>) -> Vec<Tensor>, amped: &dyn Fn(&nn::Path<'_>) -> Vec<Tensor>) {
    let start = std::time::Instant::now();
    let expected = run(plain, backward);
    let full = with_precision(Precision::Full, || run(amped, backward));
    let low = with_precision(Precision::Bf16, || run(amped, backward));
    let mut same = true;
    let mut off = 0f64;
    for (list, full, low) in [(&expected.0, &full.0, &low.0), (&expected.1, &full.1, &low.1)] {
        assert_eq!((full.len(), low.len()), (list.len(), list.len()), "{name}");
        for ((plain, full), low) in list.iter().zip(full).zip(low) {
            same &= full.kind() == plain.kind() && full.size() == plain.size() && bytes(full) == bytes(plain);
            assert_eq!(low.size(), plain.size(), "{name}: shapes in bf16");
            if plain.is_floating_point() {
                assert!(bool::try_from(low.isfinite().all()).unwrap(), "{name}: not finite in bf16");
            }
        }
    }
    for (plain, low) in expected.0.iter().zip(&low.0).filter(|(plain, _)| plain.is_floating_point()) {
        let (plain, low) = (plain.to_kind(Kind::Double), low.to_kind(Kind::Double));
        off = off.max(f64::try_from((&plain - low).norm() / (plain.norm() + 1e-6)).unwrap());
    }
    println!(
        "{name}: {}, {} gradients, in bf16 off by {off:.4} ({:.1} s)",
        if same { "bitwise" } else { "DIFFERENT" },
        expected.1.len(),
        start.elapsed().as_secs_f64()
    );
    assert!(same, "{name}: differs in full precision");
    assert!(off < 0.05, "{name}: bf16 is too far off");
}

macro_rules! models {
    ($($name:literal $backward:literal => |$vs:ident| $call:expr;)*) => {$({
        let with_plain = |$vs: &nn::Path<'_>| -> Vec<Tensor> {
            #[allow(unused_imports)]
            use plain::{examples, nn as copied, vision};
            $call
        };
        let with_amped = |$vs: &nn::Path<'_>| -> Vec<Tensor> {
            #[allow(unused_imports)]
            use amped::{examples, nn as copied, vision};
            // As a user's own `#[amp]` function would call it: models of ready layers have no region of their own.
            autocast(Precision::current(Device::Cpu), || $call)
        };
        compare($name, $backward, &with_plain, &with_amped);
    })*};
}

fn image(size: i64) -> Tensor {
    Tensor::randn([2, 3, size, size], (Kind::Float, Device::Cpu))
}

fn tokens(rows: i64, columns: i64, below: i64) -> Tensor {
    Tensor::randint(below, [rows, columns], (Kind::Int64, Device::Cpu))
}

pub fn main() {
    models! {
        "vision::alexnet" false => |vs| vec![image(224).apply_t(&vision::alexnet::alexnet(vs, 10), false)];
        "vision::convmixer" false => |vs| vec![image(56).apply_t(&vision::convmixer::c1024_20(vs, 10), false)];
        "vision::densenet121" false => |vs| vec![image(224).narrow(0, 0, 1).apply_t(&vision::densenet::densenet121(vs, 10), false)];
        "vision::dinov2" false => |vs| vec![image(112).apply_t(&vision::dinov2::vit_small(vs), false)];
        "vision::efficientnet" false => |vs| vec![image(64).apply_t(&vision::efficientnet::b0(vs, 10), false)];
        "vision::inception" false => |vs| vec![image(299).narrow(0, 0, 1).apply_t(&vision::inception::v3(vs, 10), false)];
        "vision::mobilenet" false => |vs| vec![image(64).apply_t(&vision::mobilenet::v2(vs, 10), false)];
        "vision::resnet18" true => |vs| vec![image(64).apply_t(&vision::resnet::resnet18(vs, 10), true)];
        "vision::resnet50" false => |vs| vec![image(64).apply_t(&vision::resnet::resnet50(vs, 10), false)];
        "vision::squeezenet" true => |vs| vec![image(64).apply_t(&vision::squeezenet::v1_1(vs, 10), true)];
        "vision::vgg11" false => |vs| vec![image(224).narrow(0, 0, 1).apply_t(&vision::vgg::vgg11(vs, 10), false)];
        "examples::min_gpt" true => |vs| {
            let config = examples::min_gpt::Config {
                vocab_size: 13, n_embd: 32, n_head: 4, n_layer: 2, block_size: 16,
                attn_pdrop: 0.1, resid_pdrop: 0.1, embd_pdrop: 0.1,
            };
            vec![tokens(2, 16, 13).apply_t(&examples::min_gpt::gpt(vs.clone(), config), true)]
        };
        "examples::vae" true => |vs| {
            let model = examples::vae::Vae::new(vs);
            let xs = Tensor::rand([4, 784], (Kind::Float, Device::Cpu));
            let (out, mu, logvar) = model.forward(&xs);
            let loss = examples::vae::loss(&out, &xs, &mu, &logvar);
            vec![out, mu, logvar, loss]
        };
        "examples::gan" true => |vs| {
            let noise = Tensor::randn([2, 128, 1, 1], (Kind::Float, Device::Cpu));
            let made = noise.apply_t(&examples::gan::generator(vs / "generator"), true);
            let judged = made.apply_t(&examples::gan::discriminator(vs / "discriminator"), true);
            let loss = examples::gan::mse_loss(&judged, &judged.ones_like());
            vec![made, judged, loss]
        };
        "examples::llama" true => |vs| {
            let config = examples::llama::Config { block_size: 16, vocab_size: 20, n_layer: 2, n_head: 2, n_embd: 32 };
            let table = examples::llama::precompute_freqs_cis(&config);
            let model = examples::llama::Llama::new(vs.clone(), &config);
            tch::no_grad(|| {
                let scales = model.blocks.iter().flat_map(|block| [&block.rms_1.scale, &block.rms_2.scale]);
                scales.chain([&model.ln_f.scale]).for_each(|scale| drop(scale.shallow_clone().fill_(1.)));
            });
            vec![model.forward(&tokens(2, 16, 20), &table.narrow(2, 0, 16))]
        };
        "examples::translation" true => |vs| {
            let encoder = examples::translation::Encoder::new(vs / "encoder", 9, 16);
            let decoder = examples::translation::Decoder::new(vs / "decoder", 16, 9);
            let mut state = encoder.gru.zero_state(1);
            let mut outputs = vec![];
            for token in [3i64, 1, 4] {
                let (output, next) = encoder.forward(&Tensor::from_slice(&[token]), &state);
                outputs.push(output);
                state = next;
            }
            let (output, state) = decoder.forward(&Tensor::from_slice(&[2i64]), &state, &Tensor::stack(&outputs, 1), true);
            vec![output, state.value()]
        };
        "examples::mnist_nn" true => |vs| {
            vec![Tensor::rand([4, 784], (Kind::Float, Device::Cpu)).apply(&examples::mnist::mnist_nn::net(vs))]
        };
        "examples::mnist_conv" true => |vs| {
            let model = examples::mnist::mnist_conv::Net::new(vs);
            vec![Tensor::rand([4, 784], (Kind::Float, Device::Cpu)).apply_t(&model, true)]
        };
        "examples::cifar" true => |vs| vec![image(32).apply_t(&examples::cifar::fast_resnet(vs), true)];
        "examples::yolo" false => |vs| {
            let config = examples::yolo::darknet::parse_config(std::env::var_os("YOLO_CONFIG").unwrap()).unwrap();
            let config = Box::leak(Box::new(config));
            vec![image(96).narrow(0, 0, 1).apply_t(&config.build_model(vs).unwrap(), false)]
        };
        "examples::stable_diffusion autoencoder" true => |vs| {
            let config = examples::stable_diffusion::AutoEncoderKLConfig {
                block_out_channels: vec![32, 32], layers_per_block: 1, latent_channels: 4, norm_num_groups: 8,
            };
            let model = examples::stable_diffusion::AutoEncoderKL::new(vs.clone(), 3, 3, config);
            vec![model.decode(&Tensor::randn([1, 4, 8, 8], (Kind::Float, Device::Cpu)))]
        };
        "examples::stable_diffusion unet" true => |vs| {
            let block = |out_channels, use_cross_attn| examples::stable_diffusion::BlockConfig { out_channels, use_cross_attn };
            let config = examples::stable_diffusion::UNet2DConditionModelConfig {
                blocks: vec![block(32, true), block(32, false)],
                layers_per_block: 1, norm_num_groups: 8, cross_attention_dim: 16, attention_head_dim: 2,
                ..Default::default()
            };
            let model = examples::stable_diffusion::UNet2DConditionModel::new(vs.clone(), 4, 4, config);
            let xs = Tensor::randn([1, 4, 8, 8], (Kind::Float, Device::Cpu));
            let context = Tensor::randn([1, 5, 16], (Kind::Float, Device::Cpu));
            vec![model.forward(&xs, 3., &context)]
        };
        "nn: copied layers" true => |vs| {
            let vs = &copied::VarStore::new(vs.device());
            let vs = &vs.root();
            let linear = copied::linear(vs / "linear", 8, 8, Default::default());
            let conv = copied::conv2d(vs / "conv", 3, 8, 3, Default::default());
            let up = copied::conv_transpose2d(vs / "up", 8, 3, 2, Default::default());
            let batch = copied::batch_norm2d(vs / "batch", 8, Default::default());
            let layer = copied::layer_norm(vs / "layer", vec![8], Default::default());
            let group = copied::group_norm(vs / "group", 2, 8, Default::default());
            let table = copied::embedding(vs / "table", 9, 8, Default::default());
            let lstm = copied::lstm(vs / "lstm", 8, 8, Default::default());
            let gru = copied::gru(vs / "gru", 8, 8, Default::default());
            let h = image(10).apply(&conv).apply_t(&batch, true).apply(&group);
            let words = tokens(2, 5, 9).apply(&table).apply(&linear).apply(&layer);
            let (a, _) = copied::RNN::seq(&lstm, &words);
            let (b, _) = copied::RNN::seq(&gru, &words);
            let body = copied::seq().add(linear).add_fn(|xs| xs.gelu("none")).add(copied::func(|xs| xs.softmax(-1, Kind::Float)));
            vec![h.apply(&up), h, a, b, words.apply(&body)]
        };
    }
}
