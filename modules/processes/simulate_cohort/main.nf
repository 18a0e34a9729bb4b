// Nothing, or a reference to start from -> a genome, a cohort's reads and the truth
process SIMULATE_COHORT {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), val(seed)  // seed '': the command's own
    // or [], [], []
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')

    output:
    tuple val(meta), path('simulated/samplesheet.csv'), path('simulated/reference.fa'),
        path('simulated/reference.fa.fai'), path('simulated/*'), emit: cohort
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def options = [seed ? "--seed ${seed}" : '', fasta ? "--reference ${Shell.quote(fasta)}" : ''].join(' ')
    """
    deepcohort simulate --output simulated --quiet ${options} ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf simulated; mkdir simulated
    touch simulated/S1.bam simulated/S2.bam
    printf 'sample,reads,truth_vcf,truth_bed\\n' > simulated/samplesheet.csv
    printf 'S1,S1.bam,S1.vcf.gz,S1.bed\\nS2,S2.bam,S2.vcf.gz,S2.bed\\n' >> simulated/samplesheet.csv
    printf '>chr1\\nACGT\\n' > simulated/reference.fa
    printf 'chr1\\t4\\t6\\t4\\t5\\n' > simulated/reference.fa.fai
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
