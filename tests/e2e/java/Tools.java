import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's console tools, each run by its main method inside this JVM: starting one JVM for each
 * would take longer than all their work.
 */
final class Tools {
    /** What a tool's exit becomes, so that this JVM goes on. */
    private static final class Exited extends RuntimeException {
        Exited() {
            super(null, null, false, false);
        }
    }

    private static final PrintStream NOWHERE = new PrintStream(OutputStream.nullOutputStream());

    private final List<Runnable> hooks = new ArrayList<>();
    private Integer exitCode;

    Tools() {
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setHaltProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
    }

    /** The first exit counts; what a tool makes of our exception afterwards does not. */
    private void exit(int code) {
        if (exitCode == null) {
            exitCode = code;
            System.setOut(NOWHERE);
            System.setErr(NOWHERE);
        }
        throw new Exited();
    }

    void register(Map<String, Driver.Operation> operations) {
        operations.put("tool", this::tool);
    }

    /** Run it with its own standard input; answer with its exit code and what it printed. */
    private Object tool(JsonNode args) throws Exception {
        List<String> arguments = new ArrayList<>();
        args.get("arguments").forEach(argument -> arguments.add(argument.asText()));
        byte[] given = args.get("stdin").asText().getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        InputStream oldIn = System.in;
        PrintStream oldOut = System.out;
        PrintStream oldErr = System.err;
        System.setIn(new ByteArrayInputStream(given));
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        exitCode = null;
        int code;
        try {
            code = main(args.get("main").asText(), arguments.toArray(new String[0]));
            hooks.forEach(Runnable::run); // the verifiable tools close and report in theirs
        } finally {
            hooks.clear();
            System.setIn(oldIn);
            System.setOut(oldOut);
            System.setErr(oldErr);
        }
        return new Object[] {
            exitCode == null ? code : exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8)
        };
    }

    private static int main(String name, String[] arguments) throws Exception {
        try {
            Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) arguments);
            return 0;
        } catch (InvocationTargetException wrapped) {
            Throwable cause = wrapped.getCause();
            if (!(cause instanceof Exited)) cause.printStackTrace();
            return 1;
        }
    }
}
