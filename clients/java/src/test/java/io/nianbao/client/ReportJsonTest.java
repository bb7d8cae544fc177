package io.nianbao.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nianbao.v1.Report;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReportJsonTest {
  @Test
  void aReportThatIsWrittenAndReadIsTheSame() {
    Report report = Samples.sound("java-test-json");

    assertEquals(report, ReportJson.parse(ReportJson.write(report)));
  }

  @Test
  void countsAreStringsAndSignsStandAsTheyAre() {
    Report.Builder report = Samples.sound("java-test-json").toBuilder().setTitle("a'b=<c>&\\u003c");
    report.getRequestsBuilder().getGrantedBuilder().setTotal(8);
    String json = ReportJson.write(report.build());

    assertTrue(json.contains("\"total\": \"8\""));
    assertTrue(json.contains("a'b=<c>&\\\\u003c"), json.substring(0, 200));
    assertEquals(report.build(), ReportJson.parse(json));
  }

  @Test
  void unknownFieldsAreRefusedByNameAllAtOnce() {
    NianbaoException error =
        assertThrows(
            NianbaoException.class,
            () ->
                ReportJson.parse(
                    "{\"yeer\": 2023, \"requests\": {\"granted\": {\"sum\": \"1\"}},"
                        + " \"blanks\": [{\"field_path\": \"requests\", \"why\": 1}]}"));

    for (String name : new String[] {"yeer", "requests.granted.sum", "blanks[0].why"}) {
      assertTrue(error.getMessage().contains(name), error.getMessage());
    }
    assertFalse(error.getMessage().contains("field_path"), error.getMessage());
  }

  @Test
  void whatTheParserWouldTakeInSilenceIsRefused() {
    for (String json :
        new String[] {
          "{\"requests\": {\"granted\": {\"total\": \"5\", \"total\": \"6\"}}}",
          "{title: \"a\"}",
          "{\"title\": \"a\"} {}",
          "{\"title\": \"\\ud800\"}",
        }) {
      assertThrows(NianbaoException.class, () -> ReportJson.parse(json), json);
    }
  }

  @Test
  void whatIsNoJsonIsAClearError() {
    NianbaoException error =
        assertThrows(NianbaoException.class, () -> ReportJson.parse("年度：2023"));

    assertTrue(error.getMessage().startsWith("this is no report in JSON"), error.getMessage());
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    UncheckedIOException error =
        assertThrows(
            UncheckedIOException.class, () -> ReportJson.read(Path.of("nowhere", "report.json")));

    assertTrue(error.getMessage().contains("report.json"), error.getMessage());
  }
}
