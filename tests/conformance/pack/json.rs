//! Reports as canonical proto JSON, by the descriptors that the server serves.
//!
//! The generated JSON of the library would do for nearly all of it. But it cannot write the number
//! of an enum value that does not exist, which a report must be able to carry to break a rule. The
//! integration test `conformance` holds that both agree everywhere else.

use std::error::Error;
use std::sync::LazyLock;

use nianbao::pb::{FILE_DESCRIPTOR_SET, Report};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

/// The descriptors that the server serves.
pub fn pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the served descriptors are whole")
    });
    &POOL
}

fn descriptor() -> Result<MessageDescriptor, Box<dyn Error>> {
    Ok(pool().get_message_by_name("nianbao.v1.Report").ok_or("the schema has no Report")?)
}

/// The canonical JSON of a report, indented.
pub fn write(report: &Report) -> Result<String, Box<dyn Error>> {
    let message = DynamicMessage::decode(descriptor()?, report.encode_to_vec().as_slice())?;
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut out);
    message.serialize_with_options(&mut writer, &SerializeOptions::new())?;
    out.push(b'\n');
    Ok(String::from_utf8(out)?)
}

/// A report from its JSON. Unknown fields are refused.
pub fn read(json: &str) -> Result<Report, Box<dyn Error>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(descriptor()?, &mut reader)?;
    reader.end()?;
    Ok(Report::decode(message.encode_to_vec().as_slice())?)
}
