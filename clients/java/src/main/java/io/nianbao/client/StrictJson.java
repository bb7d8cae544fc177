package io.nianbao.client;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;

/**
 * Refuses what the JSON parser of protobuf takes in silence: names without quotes, text after the
 * end, half of a surrogate pair, and a name that stands twice, of which it would drop the first.
 */
final class StrictJson {
  private final JsonReader reader;

  private StrictJson(String json) {
    reader = new JsonReader(new StringReader(json));
    reader.setStrictness(Strictness.STRICT);
  }

  /** Says what is wrong, where something is. */
  static void check(String json) throws IOException {
    StrictJson strict = new StrictJson(json);
    strict.value();
    if (strict.reader.peek() != JsonToken.END_DOCUMENT) {
      throw new MalformedJsonException("text follows the end");
    }
  }

  private void value() throws IOException {
    switch (reader.peek()) {
      case BEGIN_OBJECT -> object();
      case BEGIN_ARRAY -> {
        reader.beginArray();
        while (reader.hasNext()) {
          value();
        }
        reader.endArray();
      }
      case STRING -> {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(reader.nextString())) {
          throw new MalformedJsonException("no characters at " + reader.getPreviousPath());
        }
      }
      default -> reader.skipValue();
    }
  }

  private void object() throws IOException {
    Set<String> names = new HashSet<>();
    reader.beginObject();
    while (reader.hasNext()) {
      if (!names.add(reader.nextName())) {
        throw new MalformedJsonException("twice there: " + reader.getPath());
      }
      value();
    }
    reader.endObject();
  }
}
