// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper, xs: &Tensor) -> anyhow::Result<f64> {
    let loss = net(xs);
    opt.zero_grad();
    loss.backward();
    opt.clip_grad_norm(1.0);
    opt.step();
    opt.backward(&loss);
    Ok(loss.double_value(&[]))
}

// Output:
fn step(opt: &mut OptimWrapper, xs: &Tensor) -> anyhow::Result<f64> {
    let loss = net(xs);
    __amp::done(opt.zero_grad()?);
    __amp::backward(&loss, opt.__wrapper())?;
    __amp::done(opt.clip_grad_norm(1.0)?);
    __amp::done(opt.step()?);
    __amp::done(__amp::scaled(opt.backward(&loss))?);
    Ok(loss.double_value(&[]))
}
