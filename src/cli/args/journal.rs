//! What an operator does: serve, back up, restore, verify.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::Remote;

/// Of `serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// 监听地址，端口 0 为任选 · Where to listen, port 0 for any
    #[arg(long, env = "NIANBAO_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// 数据目录 · The folder of the store
    #[arg(long, env = "NIANBAO_DATA", default_value = "./nianbao-data", value_name = "DIR")]
    pub data: PathBuf,
    /// 缓存（MiB） · Cache of the store in MiB
    #[arg(long, env = "NIANBAO_CACHE_MIB", default_value_t = 256, value_name = "N",
          value_parser = clap::value_parser!(u64).range(8..=1_048_576))]
    pub cache_mib: u64,
}

/// Of `info`.
#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub remote: Remote,
}
