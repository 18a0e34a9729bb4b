// Evaluations, statistics and facts about the reads -> one MultiQC report, and the numbers to print at the end
process BUILD_REPORT {
    label 'medium'

    input:
    path evaluations, stageAs: 'evaluation/*'
    path stats, stageAs: 'stats/*'
    path facts, stageAs: 'facts/*'
    path config, stageAs: 'config/?/*'  // MultiQC's own settings; later files add to and overrule earlier ones

    output:
    path 'multiqc_report.html', emit: report
    path 'multiqc_report_data', emit: data, optional: true
    path 'summary.txt', emit: summary
    path 'versions.yml', emit: versions

    script:
    """
    # a run resumed after a kill may work in the folder in which the killed one left off
    rm -rf content; mkdir content
    folders=()
    for folder in evaluation/*/; do [ -d "\$folder" ] && folders+=(--evaluation "\${folder%/}"); done
    cohort=()
    for file in stats/*/cohort.json; do [ -f "\$file" ] && cohort=(--cohort "\$file"); done
    reads=()
    if [ -d facts ]; then reads=(--facts facts); fi
    deepcohort summary \${folders[@]+"\${folders[@]}"} \${cohort[@]+"\${cohort[@]}"} \${reads[@]+"\${reads[@]}"} --output summary.txt
    folders+=(\${reads[@]+"\${reads[@]}"})
    if [ \${#folders[@]} -gt 0 ]; then
        deepcohort report "\${folders[@]}" --output content ${task.ext.args ?: ''}
    fi
    if [ -d stats ]; then
        cp -rL stats content/
    fi
    if [ -z "\$(find content -name '*_mqc.*' -print -quit)" ]; then
        printf '<!--\\nid: "nothing"\\nsection_name: "Nothing to show"\\n-->\\n%s\\n' \\
            '<p>No sample came with truth, and nothing was genotyped jointly.</p>' > content/nothing_mqc.html
    fi
    # filled in at the end of the run (lib/Costs.groovy): only then is the trace whole
    printf '<!--\\nid: "deepcohort_cost"\\nsection_name: "Cost by stage"\\ndescription: "%s"\\n-->\\n%s\\n' \\
        'All tasks of the run, also those taken from an earlier one (-resume); waiting is time between submission and start.' \\
        '<div id="deepcohort-cost">See pipeline_info/trace.tsv.</div>' > content/deepcohort_cost_mqc.html
    multiqc --quiet --force --no-version-check ${[config].flatten().collect { "--config ${Shell.quote(it)}" }.join(' ')} --filename multiqc_report.html content
    # multiqc --version takes as long as a report
    multiqc=\$(python3 -c 'from importlib.metadata import version; print(version("multiqc"))')
    ${Versions.write(task, [multiqc: '$multiqc'])}
    """

    stub:
    """
    echo stub > multiqc_report.html
    echo stub > summary.txt
    ${Versions.stub(task)}
    """
}
