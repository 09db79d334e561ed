//! A test program finds the libpython of its interpreter wherever that lies.

fn main() {
    pyo3_build_config::add_libpython_rpath_link_args();
}
