// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper) -> Result<()> {
    xs.iter()
        .for_each(|l: &Tensor| {
            l.backward();
            opt.step();
        });
    xs.iter()
        .try_for_each(|l| -> Result<()> {
            l.backward();
            opt.step();
            Ok(())
        })?;
    let f = |l: &Tensor| -> () {
        l.backward();
        opt.step()
    };
    Ok(())
}

// Output:
fn step(opt: &mut OptimWrapper) -> Result<()> {
    xs.iter()
        .for_each(|l: &Tensor| {
            __amp::or_panic(__amp::backward(&l, opt.__wrapper()));
            __amp::done(__amp::or_panic(opt.step()));
        });
    xs.iter()
        .try_for_each(|l| -> Result<()> {
            __amp::backward(&l, opt.__wrapper())?;
            __amp::done(opt.step()?);
            Ok(())
        })?;
    let f = |l: &Tensor| -> () {
        __amp::or_panic(__amp::backward(&l, opt.__wrapper()));
        __amp::done(__amp::or_panic(opt.step()))
    };
    Ok(())
}
