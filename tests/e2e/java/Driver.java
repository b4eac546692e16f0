import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;

/**
 * The Java client behind a pipe: one JSON request a line in, one answer a line out.
 *
 * <pre>
 *   {id, op, args}  ->  {id, result} or {id, error, code}
 *   a running member also says, unasked: {member, record} and {member, assignment}
 * </pre>
 *
 * Bytes travel as base64, null as null.
 */
public final class Driver {
    interface Operation {
        Object run(JsonNode args) throws Exception;
    }

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream ANSWERS = System.out; // tools get another System.out

    private Driver() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, Operation> operations = new TreeMap<>();
        Settings settings = new Settings(arguments[0]);
        try (Administration admin = new Administration(settings);
                Members members = new Members(settings);
                ShareMembers shareMembers = new ShareMembers(settings);
                Transactions transactions = new Transactions(settings)) {
            new Producing(settings).register(operations);
            admin.register(operations);
            members.register(operations);
            shareMembers.register(operations);
            transactions.register(operations);
            new Tools().register(operations);
            BufferedReader lines =
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode request = JSON.readTree(line);
                say(answer(request, operations.get(request.get("op").asText())));
            }
        }
        Runtime.getRuntime().halt(0); // tools leave hooks behind that would print once more
    }

    private static Map<String, Object> answer(JsonNode request, Operation operation) {
        Map<String, Object> answer = new TreeMap<>();
        answer.put("id", request.get("id").asLong());
        try {
            answer.put("result", operation.run(request.get("args")));
        } catch (Throwable error) {
            Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
            answer.put("error", cause.getClass().getSimpleName() + ": " + cause.getMessage());
            answer.put("code", code(cause));
        }
        return answer;
    }

    private static int code(Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause instanceof ApiException) {
                Errors known = Errors.forException(cause);
                if (known != Errors.UNKNOWN_SERVER_ERROR) return known.code();
            }
        }
        return 0;
    }

    /** Write one line; members report from their own threads. */
    static void say(Map<String, Object> line) throws Exception {
        String text = JSON.writeValueAsString(line);
        synchronized (ANSWERS) {
            ANSWERS.println(text);
            ANSWERS.flush();
        }
    }
}
