//! The edge of the control socket: datagrams in, messages to the actors, datagrams out.
