//! Smoke.
use amp_runtime::prelude::*;
use tch::{Device, Kind, Tensor, nn, nn::Module};

struct Net { q: nn::Linear, k: nn::Linear, norm: nn::LayerNorm, w: Tensor }

#[amp]
impl Module for Net {
    fn forward(&self, xs: &Tensor) -> Tensor {
        let q = xs.apply(&self.q);
        let k = xs.apply(&self.k);
        let att = q.matmul(&k.tr()).softmax(-1, q.kind());
        assert_eq!(q.kind(), Kind::BFloat16);
        assert_eq!(att.kind(), Kind::Float);
        let ys = att.matmul(xs).apply(&self.norm);
        assert_eq!(ys.kind(), Kind::Float);
        let z = [1.0f64, 2.0].iter().map(|x| x.exp()).sum::<f64>();
        #[amp(full)]
        let s = k.sigmoid() * 2.0 * z;
        assert_eq!(s.kind(), Kind::Float);
        let l: Vec<Tensor> = (0..2).map(|i| (&ys + i).matmul(&self.w)).collect();
        l.iter().map(|x| x.exp().mean(Kind::Float)).sum::<Tensor>() + 1.0 / &s.mean(Kind::Float)
    }
}
impl std::fmt::Debug for Net { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("Net") } }

#[test]
fn smoke() {
    let vs = nn::VarStore::new(Device::Cpu);
    let net = Net { q: nn::linear(vs.root() / "q", 8, 8, Default::default()), k: nn::linear(vs.root() / "k", 8, 8, Default::default()), norm: nn::layer_norm(vs.root() / "n", vec![8], Default::default()), w: vs.root().randn_standard("w", &[8, 8]) };
    let xs = Tensor::randn([8, 8], (Kind::Float, Device::Cpu));
    let (y, ops) = amp_runtime::count_ops(|| net.forward(&xs)).unwrap();
    println!("{ops:?}");
    y.print();
    println!("{}", amp_runtime::plan::text());
}
