// Input, `optimizer = self.trainer.opts[0]`:
fn step(&mut self, loss: &Tensor) {
    loss.backward();
    self.trainer.opts[0].step();
    self.trainer.opts[1].step();
    self.env.step();
}

// Output:
fn step(&mut self, loss: &Tensor) {
    __amp::or_panic(__amp::backward(&loss, self.trainer.opts[0].__wrapper()));
    __amp::done(__amp::or_panic(self.trainer.opts[0].step()));
    self.trainer.opts[1].step();
    self.env.step();
}
