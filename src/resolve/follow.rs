//! What a name stands for, from the history of its answers. Pure.
