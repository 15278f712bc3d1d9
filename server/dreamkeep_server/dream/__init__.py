"""The dream: pure stages over one fixed material, and the pipeline that runs them."""
