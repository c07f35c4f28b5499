//! Asking back, with a real program that asks: both eras, every transport.

mod legacy;
mod link;
mod modern;
mod world;
