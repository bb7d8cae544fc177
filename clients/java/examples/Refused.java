import io.nianbao.client.NianbaoClient;
import io.nianbao.client.NianbaoException;
import io.nianbao.client.ReportJson;
import io.nianbao.v1.Finding;
import io.nianbao.v1.Report;
import java.nio.file.Path;

/** Finds what is wrong with a report before sending it, and shows how the server refuses it. */
class Refused {
  public static void main(String[] arguments) {
    String server =
        arguments.length > 0
            ? arguments[0]
            : System.getenv().getOrDefault("NIANBAO_SERVER", "127.0.0.1:50051");
    Path data = Path.of(System.getenv().getOrDefault("NIANBAO_EXAMPLES", "../../examples"));
    Report report = ReportJson.read(data.resolve("refused.json"));

    try (NianbaoClient client = NianbaoClient.builder(server).plaintext().build()) {
      System.out.println("offline:");
      for (Finding finding : client.validateOffline(report)) {
        System.out.printf(
            "  %s %s%n    %s：%s%n",
            finding.getRuleId(), finding.getFieldPath(), finding.getCell(), finding.getMessageZh());
      }
      try {
        client.submit(report);
        throw new IllegalStateException("the report has errors and was taken");
      } catch (NianbaoException e) {
        System.out.println("server: " + e.code() + " " + e.reasonText());
        for (NianbaoException.Violation violation : e.violations()) {
          System.out.printf(
              "  %s %s%n    %s%n",
              violation.ruleId(), violation.fieldPath(), violation.messageZh());
        }
      }
    }
  }
}
