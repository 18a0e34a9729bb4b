// Evaluations, statistics and facts about samples -> one MultiQC report, a page per sample, numbers to print at the end
process BUILD_REPORT {
    label 'process_low'

    input:
    path evaluations, stageAs: 'evaluation/*'
    path stats, stageAs: 'stats/*'
    path facts, stageAs: 'facts/*'
    path configs, stageAs: 'config/?/*'  // ours, then the user's, which overrules it
    path extra, stageAs: 'extra/?/*'     // other tools' files that MultiQC shall show too, or []
    val account                          // JSON: parameters, command, ...
    val versions                         // text of all versions.yml

    output:
    path 'multiqc_report.html', emit: report
    path 'multiqc_report_data', emit: data, optional: true
    path 'samples', emit: pages, optional: true
    path 'summary.txt', emit: summary
    path 'versions.yml', emit: versions

    script:
    def own = (configs instanceof List ? configs : [configs]).collect { "--config ${Shell.quote(it)}" }.join(' ')
    """
    # a run resumed after a kill may work in the folder in which the killed one left off
    rm -rf content samples; mkdir content
    folders=()
    for folder in evaluation/*/; do [ -d "\$folder" ] && folders+=(--evaluation "\${folder%/}"); done
    cohort=()
    for file in stats/*/cohort.json; do [ -f "\$file" ] && cohort=(--cohort "\$file"); done
    for file in stats/*/fingerprints.json; do [ -f "\$file" ] && cohort+=(--fingerprints "\$file"); done
    reads=()
    if [ -d facts ]; then reads=(--facts facts); fi
    deepcohort summary \${folders[@]+"\${folders[@]}"} \${cohort[@]+"\${cohort[@]}"} \${reads[@]+"\${reads[@]}"} \\
        --output summary.txt
    if [ -d facts ]; then reads+=(--pages samples); fi
    printf '%s' ${Shell.quote(account)} > run.json
    printf '%s' ${Shell.quote(versions)} > versions.txt
    deepcohort report \${folders[@]+"\${folders[@]}"} \${reads[@]+"\${reads[@]}"} --output content \\
        --run run.json --versions versions.txt ${task.ext.args ?: ''}
    if [ -d stats ]; then
        cp -rL stats content/
    fi
    if [ -z "\$(find content -name '*_mqc.*' ! -name deepcohort_run_mqc.json -print -quit)" ]; then
        printf '<!--\\nid: "nothing"\\nsection_name: "Nothing to show"\\n-->\\n%s\\n' \\
            '<p>No sample came with truth, and nothing was genotyped jointly.</p>' > content/nothing_mqc.html
    fi
    # filled in at the end of the run (lib/Costs.groovy): only then is the trace whole
    printf '<!--\\nid: "deepcohort_cost"\\nsection_name: "Cost by stage"\\ndescription: "%s"\\n-->\\n%s\\n' \\
        'All tasks of the run, also those taken from an earlier one (-resume); waiting: from submission to start.' \\
        '<div id="deepcohort-cost">See pipeline_info/trace.tsv.</div>' > content/deepcohort_cost_mqc.html
    multiqc --quiet --force --no-version-check ${own} --filename multiqc_report.html content ${extra ? 'extra' : ''}
    # multiqc --version takes as long as a report
    multiqc=\$(python3 -c 'from importlib.metadata import version; print(version("multiqc"))')
    ${Versions.write(task, [multiqc: '$multiqc'])} # ${task.ext.sources}
    """

    stub:
    """
    echo stub > multiqc_report.html
    echo stub > summary.txt
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
