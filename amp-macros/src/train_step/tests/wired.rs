//! What training steps become.
use crate::names::Names;
use expect_test::expect_file;
use quote::ToTokens;
use syn::{Expr, ItemFn};

fn wired(code: &str, optimizer: &str) -> String {
    let mut function: ItemFn = syn::parse_str(code).unwrap_or_else(|error| panic!("{error}\n{code}"));
    let optimizer: Option<Expr> = (!optimizer.is_empty()).then(|| syn::parse_str(optimizer).unwrap());
    super::super::wire(&function.sig, &mut function.block, optimizer.as_ref(), &Names::new(None));
    let tokens = function.to_token_stream().to_string();
    prettyplease::unparse(&syn::parse_str(&tokens).unwrap_or_else(|error| panic!("{error}\n{tokens}")))
}

macro_rules! wired {
    ($($name:ident($optimizer:literal): $code:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let input = prettyplease::unparse(&syn::parse_str($code).unwrap());
                let shown = format!("// Input, `optimizer = {}`:\n{input}\n// Output:\n{}", $optimizer, wired($code, $optimizer));
                expect_file![concat!("expansions/", stringify!($name), ".rs")].assert_eq(&shown);
            }
        )*
    };
}

wired! {
    panicking(""): "fn step(opt: &mut OptimWrapper, loss: &Tensor) {
        opt.set_lr(0.1);
        opt.zero_grad();
        loss.backward();
        opt.clip_grad_norm(1.0);
        opt.step()
    }";
    returning(""): "fn step(opt: &mut OptimWrapper, xs: &Tensor) -> anyhow::Result<f64> {
        let loss = net(xs);
        opt.zero_grad();
        loss.backward();
        opt.clip_grad_norm(1.0);
        opt.step();
        opt.backward(&loss);
        Ok(loss.double_value(&[]))
    }";
    results_of_the_user_stay(""): "fn step(opt: &mut OptimWrapper, loss: &Tensor) -> Result<StepOutcome> {
        loss.f_backward().context(\"backward\")?;
        opt.clip_grad_norm(1.0).unwrap();
        if opt.lr() > 1. { return opt.step(); }
        let outcome = opt.step()?;
        match opt.backward_step(loss) { Ok(_) => {}, Err(error) => log(error) }
        opt.backward_step(loss)?;
        opt.backward(loss)?;
        let scaled = opt.backward(loss)?;
        scaled.unscale()?.step()?;
        opt.step()
    }";
    losses(""): "fn step(opt: &mut OptimWrapper, x: &Tensor) {
        x.mse_loss(y, Reduction::Mean).backward();
        (x + y).backward();
        Tensor::backward(&(x * y));
        self.loss(x)[0].backward();
        for l in losses { l.backward() }
        opt.step();
    }";
    branches(""): "fn step(opt: &mut OptimWrapper, loss: &Tensor) -> i64 {
        if a { opt.step() }
        if a { opt.step() } else if b { opt.zero_grad() } else { loss.backward() }
        match a { 1 => opt.step(), 2 => idle(), 3 => return 1, _ => { opt.zero_grad() } };
        while a { unsafe { opt.step() } }
        loop { opt.step(); { opt.step() } break }
        let n = if a { opt.step() } else { opt.step() };
        3
    }";
    closures(""): "fn step(opt: &mut OptimWrapper) -> Result<()> {
        xs.iter().for_each(|l: &Tensor| { l.backward(); opt.step(); });
        xs.iter().try_for_each(|l| -> Result<()> { l.backward(); opt.step(); Ok(()) })?;
        let f = |l: &Tensor| -> () { l.backward(); opt.step() };
        Ok(())
    }";
    fields("self.trainer.opts[0]"): "fn step(&mut self, loss: &Tensor) {
        loss.backward();
        self.trainer.opts[0].step();
        self.trainer.opts[1].step();
        self.env.step();
    }";
    dereferenced("*opt"): "fn step(mut opt: Guard, loss: &Tensor) { loss.backward(); opt.step(); (*opt).step(); }";
    two_optimizers("g"): "fn step(g: &mut OptimWrapper, d: &mut OptimWrapper) {
        #[amp(optimizer = d)]
        loss_d.backward();
        d.step();
        #[amp(optimizer = d)]
        { #[amp(full)] { p.backward(); } q.backward(); #[amp(optimizer = g)] let () = r.backward(); }
        #[allow(unused)]
        loss_g.backward();
        g.step();
    }";
    not_entered(""): "fn step(opt: &mut OptimWrapper) {
        fn inner(opt: &mut OptimWrapper) { loss.backward(); opt.step(); }
        async { loss.backward(); };
        #[amp(skip)] { loss.backward(); opt.step(); }
        #[amp(skip)] loss.backward();
        other!(opt.step());
        assert!(opt.step().is_ok(), \"{}\", { loss.backward(); 1 });
        println!(\"{}\",  opt.lr() );
    }";
}
