import io.nianbao.client.NianbaoClient;
import io.nianbao.client.ReportJson;
import io.nianbao.client.Submission;
import io.nianbao.v1.ImportOrgansHeader;
import io.nianbao.v1.ImportOrgansResponse;
import io.nianbao.v1.Report;
import io.nianbao.v1.SubmitReportResponse;
import java.nio.file.Path;

/** Registers organs, submits a report and shows the receipt. A second run says the same. */
class Submit {
  public static void main(String[] arguments) {
    String server =
        arguments.length > 0
            ? arguments[0]
            : System.getenv().getOrDefault("NIANBAO_SERVER", "127.0.0.1:50051");
    Path data = Path.of(System.getenv().getOrDefault("NIANBAO_EXAMPLES", "../../examples"));

    try (NianbaoClient client = NianbaoClient.builder(server).plaintext().build()) {
      // Organs that are registered as the file has them are no conflict.
      ImportOrgansResponse organs =
          client.importOrgans(data.resolve("organs.csv"), ImportOrgansHeader.getDefaultInstance());
      System.out.printf(
          "organs: %d created, %d unchanged%n",
          organs.getResult().getCreated(), organs.getResult().getUnchanged());

      // The request id is made of the content, so a second run gets the first answer.
      Report report = ReportJson.read(data.resolve("report.json"));
      SubmitReportResponse answer = client.submit(Submission.of(report).contentRequestId());
      System.out.println("report: " + answer.getReport().getName());
      System.out.println("state: " + answer.getReport().getState());
      System.out.println("receipt: " + answer.getReceipt().getEntryHash());
      System.out.println("position: " + answer.getReceipt().getPosition());
    }
  }
}
