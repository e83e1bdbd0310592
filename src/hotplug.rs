//! stub
use std::path::PathBuf;
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Device {
    pub id: String,
    pub node: PathBuf,
    pub links: Vec<PathBuf>,
    pub usb: Option<Usb>,
    pub serial: String,
    pub vendor: String,
    pub model: String,
    pub access: crate::daemon::status::Access,
}
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Usb {
    pub vendor: u16,
    pub product: u16,
    pub interface: Option<u8>,
}
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Change {
    Added(Device),
    Removed(PathBuf),
    Path(PathBuf),
}
#[allow(missing_docs)]
pub struct Monitor;
#[allow(missing_docs)]
impl Monitor {
    pub fn new() -> std::io::Result<Self> {
        Ok(Self)
    }
    pub fn enumerate(&mut self) -> Vec<Device> {
        vec![]
    }
    pub async fn next(&mut self) -> Change {
        std::future::pending().await
    }
    pub fn watch(&mut self, _p: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }
}
