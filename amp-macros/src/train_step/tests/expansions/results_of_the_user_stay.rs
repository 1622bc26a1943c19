// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper, loss: &Tensor) -> Result<StepOutcome> {
    loss.f_backward().context("backward")?;
    opt.clip_grad_norm(1.0).unwrap();
    if opt.lr() > 1. {
        return opt.step();
    }
    let outcome = opt.step()?;
    match opt.backward_step(loss) {
        Ok(_) => {}
        Err(error) => log(error),
    }
    opt.backward_step(loss)?;
    opt.backward(loss)?;
    let scaled = opt.backward(loss)?;
    scaled.unscale()?.step()?;
    opt.step()
}

// Output:
fn step(opt: &mut OptimWrapper, loss: &Tensor) -> Result<StepOutcome> {
    __amp::backward(&loss, opt.__wrapper()).context("backward")?;
    opt.clip_grad_norm(1.0).unwrap();
    if opt.lr() > 1. {
        return opt.step();
    }
    let outcome = opt.step()?;
    match opt.backward_step(loss) {
        Ok(_) => {}
        Err(error) => log(error),
    }
    __amp::done(opt.backward_step(loss)?);
    __amp::done(__amp::scaled(opt.backward(loss))?);
    let scaled = opt.backward(loss)?;
    scaled.unscale()?.step()?;
    opt.step()
}
