//! What an operator does: serve, back up, restore, verify.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use nianbao::store::Hash;

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

/// Of `export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// 备份文件 · The file to write
    #[arg(long, env = "NIANBAO_OUTPUT", value_name = "FILE")]
    pub output: PathBuf,
    /// 只导出此位置之后的写入 · Only what was written after this position
    #[arg(long, env = "NIANBAO_AFTER", value_name = "POSITION")]
    pub after: Option<String>,
    #[command(flatten)]
    pub remote: Remote,
}

/// Of `restore`.
#[derive(Args, Debug)]
pub(crate) struct RestoreArgs {
    /// 备份文件，后续备份依次列在其后 · Exports: the first, then those that go on from it
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// 数据目录，其中不得已有日志 · The folder of the store, which holds no journal yet
    #[arg(long, env = "NIANBAO_DATA", value_name = "DIR")]
    pub data: PathBuf,
}

/// Of `verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// 数据目录或备份文件 · A data folder or an export
    #[arg(required_unless_present = "server")]
    pub path: Option<PathBuf>,
    /// 核验此服务正在使用的日志 · Verify the journal of this server, where no path is given
    #[arg(long, env = "NIANBAO_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// 保存在别处的回执哈希 · The hash of a receipt that was kept elsewhere
    #[arg(long, env = "NIANBAO_EXPECT", value_name = "HASH")]
    pub expect: Option<Hash>,
}
