import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/** What each stage of a run cost, from Nextflow's trace; written beside it and into the report. */
class Costs {

    private static final String HEADER = ['stage', 'tasks', 'not_successful', 'cpu_hours', 'task_hours',
        'waiting_hours', 'longest_min', 'peak_memory_mb', 'read_gb', 'written_gb'].join('\t')

    private static final List<String> HEADS = ['Stage', 'Tasks', 'Not successful', 'CPU (min)', 'Task time (min)',
        'Waiting (min)', 'Longest (min)', 'Peak memory (MB)', 'Read (GB)', 'Written (GB)']

    /** One stage: all tasks of a process, also the failed and those taken from an earlier run. */
    static class Stage {

        String name
        int tasks = 0
        int failed = 0
        double cpuMs = 0
        double taskMs = 0
        double waitMs = 0
        double longestMs = 0
        double peakBytes = 0
        double readBytes = 0
        double writtenBytes = 0

        void add(Map<String, String> row) {
            double real = number(row.realtime)
            tasks += 1
            if (!(row.status in ['COMPLETED', 'CACHED'])) failed += 1
            cpuMs += real * number(row['%cpu']) / 100
            taskMs += real
            waitMs += Math.max(0, number(row.duration) - real)
            longestMs = Math.max(longestMs, real)
            peakBytes = Math.max(peakBytes, number(row.peak_rss))
            readBytes += number(row.rchar)
            writtenBytes += number(row.wchar)
        }

        private static double number(String text) {
            return text != null && text.isNumber() ? text as double : 0d
        }

        /** Cells as people read them: minutes, and the stage's name in words. */
        List<String> shown() {
            def f = { value -> String.format(Locale.ROOT, value < 10 ? '%.2f' : '%,.0f', value) }
            return [
                name.toLowerCase().replace('_', ' '), "${tasks}", "${failed}", f(cpuMs / 6e4d), f(taskMs / 6e4d),
                f(waitMs / 6e4d), f(longestMs / 6e4d), String.format(Locale.ROOT, '%,.0f', peakBytes / 1e6d),
                f(readBytes / 1e9d), f(writtenBytes / 1e9d),
            ]*.toString()
        }

        List<String> cells() {
            def f = { format, value -> String.format(Locale.ROOT, format, value) }
            return [
                name, "${tasks}", "${failed}", f('%.4f', cpuMs / 3.6e6d), f('%.4f', taskMs / 3.6e6d),
                f('%.4f', waitMs / 3.6e6d), f('%.2f', longestMs / 6e4d), f('%.0f', peakBytes / 1e6d),
                f('%.3f', readBytes / 1e9d), f('%.3f', writtenBytes / 1e9d),
            ]*.toString()
        }
    }

    /** Stages of a raw trace (trace.raw = true), the most CPU time first. */
    static List<Stage> stages(Path trace) {
        def found = new LinkedHashMap<String, Stage>()
        Files.newBufferedReader(trace).withCloseable { reader ->
            def names = reader.readLine()?.split('\t') as List
            String line
            while (names && (line = reader.readLine()) != null) {
                def cells = line.split('\t', -1)
                if (cells.size() != names.size()) continue  // cut off by a crash
                def row = [names, cells as List].transpose().collectEntries()
                def name = row.process.toString().tokenize(':').last()
                found.computeIfAbsent(name) { new Stage(name: name) }.add(row)
            }
        }
        return found.values().sort { -it.cpuMs }
    }

    /** The line of the terminal; empty without tasks. */
    static String line(List<Stage> stages) {
        double total = stages.sum(0d) { it.cpuMs }
        if (total <= 0) return ''
        def hours = total >= 3.6e6d ? String.format(Locale.ROOT, '%.1f h', total / 3.6e6d)
            : String.format(Locale.ROOT, '%.1f min', total / 6e4d)
        def shares = stages.findAll { it.cpuMs >= 0.05 * total }
            .collect { "${it.name.toLowerCase().replace('_', ' ')} ${Math.round(100 * it.cpuMs / total)} %" }
        return "  CPU time ${hours}: ${shares.join(', ')}"
    }

    /** Writes the table beside the trace and, where there is one, into the report. */
    static void write(List<Stage> stages, Path table, Path report) {
        table.text = ([HEADER] + stages.collect { it.cells().join('\t') }).join('\n') + '\n'
        if (!Files.exists(report)) return
        def rows = stages.collect { stage -> '<tr>' + stage.shown().collect { "<td>${it}</td>" }.join('') + '</tr>' }
        def head = HEADS.collect { "<th>${it}</th>" }.join('')
        def html = "<table class=\"table table-sm table-condensed\"><thead><tr>${head}</tr></thead>" +
            "<tbody>${rows.join('')}</tbody></table>"
        def whole = report.text
        def filled = whole.replaceFirst(/(?s)(<div id="deepcohort-cost">).*?(<\/div>)/) { all, start, end ->
            start + html + end
        }
        if (filled == whole) return
        // a file of its own: with --publish_mode symlink the report lies in a task's folder, which stays as it is
        def fresh = report.resolveSibling('.tmp-' + report.fileName)
        fresh.text = filled
        Files.move(fresh, report, StandardCopyOption.REPLACE_EXISTING)
    }
}
