// Calls of one sample and its truth -> precision and recall
process EVALUATE_SAMPLE {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(vcf, stageAs: 'calls/*'), path(index, stageAs: 'calls/*'),
        path(truth_vcf, stageAs: 'truth/*'), path(truth_index, stageAs: 'truth/*'), path(truth_bed, stageAs: 'truth/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path targets, stageAs: 'targets/*'  // BED or interval list: what lies in it is scored apart, too; or []

    output:
    tuple val(meta), path("evaluation/${meta.id}"), emit: evaluation
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def within = targets ? "--stratification target=${Shell.quote(targets)}" : ''
    def sample = meta.sample ? "--sample ${meta.sample}" : ''
    """
    mkdir -p evaluation
    deepcohort evaluate --vcf ${vcf} --truth ${truth_vcf} --confident ${truth_bed} --reference ${fasta} \\
        ${sample} ${within} --name ${meta.id} --output evaluation/${meta.id} ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    mkdir -p evaluation/${meta.id}
    printf 'type\\tTP_truth\\tFN\\tTP_call\\tFP\\tprecision\\trecall\\tf1\\n' > evaluation/${meta.id}/summary.tsv
    printf '%s\\t1\\t0\\t1\\t0\\t1.0\\t1.0\\t1.0\\n' SNP INDEL >> evaluation/${meta.id}/summary.tsv
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
