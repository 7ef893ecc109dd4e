"""What the engine tests are made of: source trees, images, hooks, engines, and what is left behind."""
