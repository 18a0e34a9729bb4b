// Evaluations and statistics -> one MultiQC report, and the numbers to print at the end
process BUILD_REPORT {
    label 'medium'

    input:
    path evaluations, stageAs: 'evaluation/*'
    path stats, stageAs: 'stats/*'
    path config

    output:
    path 'multiqc_report.html', emit: report
    path 'multiqc_report_data', emit: data, optional: true
    path 'summary.txt', emit: summary
    path 'versions.yml', emit: versions

    script:
    """
    folders=()
    for folder in evaluation/*/; do [ -d "\$folder" ] && folders+=(--evaluation "\${folder%/}"); done
    mkdir content
    deepcohort summary "\${folders[@]}" --output summary.txt --table content/accuracy_mqc.tsv ${task.ext.args ?: ''}
    multiqc --quiet --force --no-version-check --config ${config} --filename multiqc_report.html content
    echo "BUILD_REPORT: \$(deepcohort --version); \$(multiqc --version)" > versions.yml
    """

    stub:
    """
    echo stub > multiqc_report.html
    echo stub > summary.txt
    echo "BUILD_REPORT: stub" > versions.yml
    """
}
