package io.nianbao.client;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The published service config: which calls have a deadline, and which are tried again. */
final class ServiceConfig {
  private static final String FILE = "service_config.json";

  private ServiceConfig() {}

  /** The config as gRPC takes it, with another deadline where one is given. */
  static Map<String, ?> read(Optional<Duration> deadline) {
    Struct.Builder config = Struct.newBuilder();
    try (InputStream file = ServiceConfig.class.getResourceAsStream(FILE)) {
      String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
      JsonFormat.parser().merge(text, config);
    } catch (IOException e) {
      throw new UncheckedIOException("the package lacks its " + FILE, e);
    }
    Map<String, Object> read = map(config.build());
    deadline.ifPresent(value -> replaceDeadlines(read, value));
    return read;
  }

  private static void replaceDeadlines(Map<String, Object> config, Duration deadline) {
    String seconds = "%d.%09ds".formatted(deadline.getSeconds(), deadline.getNano());
    for (Object method : (List<?>) config.get("methodConfig")) {
      @SuppressWarnings("unchecked") // What `map` has made of an object.
      Map<String, Object> of = (Map<String, Object>) method;
      of.computeIfPresent("timeout", (name, published) -> seconds);
    }
  }

  private static Map<String, Object> map(Struct struct) {
    Map<String, Object> map = new LinkedHashMap<>();
    struct.getFieldsMap().forEach((name, value) -> map.put(name, plain(value)));
    return map;
  }

  private static Object plain(Value value) {
    return switch (value.getKindCase()) {
      case STRUCT_VALUE -> map(value.getStructValue());
      case LIST_VALUE ->
          value.getListValue().getValuesList().stream().map(ServiceConfig::plain).toList();
      case NUMBER_VALUE -> value.getNumberValue();
      case BOOL_VALUE -> value.getBoolValue();
      case STRING_VALUE -> value.getStringValue();
      case NULL_VALUE, KIND_NOT_SET -> throw new IllegalStateException(FILE + " holds a null");
    };
  }
}
