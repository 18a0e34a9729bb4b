/** versions.yml of a task, as nf-core's modules write it: process, then tool: version. */
class Versions {

    /** Bash that writes it; `tools` are more names with their versions (bash that prints them, or text). */
    static String write(task, Map<String, String> tools = [:]) {
        return yml(task, [deepcohort: '$(deepcohort --version | cut -d " " -f 2)'] + tools)
    }

    /** The same of a stub. */
    static String stub(task) {
        return yml(task, [deepcohort: 'stub'])
    }

    // the code (conf/sources.config) is a version too, and so part of Nextflow's cache key
    private static String yml(task, Map<String, String> tools) {
        def all = tools + [code: (task.ext.sources ?: 'code unknown').toString() - 'code ']
        def lines = all.collect { name, version -> "printf '    %s: %s\\n' \"${name}\" \"${version}\"" }
        return "{ printf '\"%s\":\\n' '${task.process}'; ${lines.join('; ')}; } > versions.yml".toString()
    }
}
