"""What tests share: oracles that stand beside the code, made-up and damaged files, examples of calls."""
