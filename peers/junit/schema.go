// Package junit pins kubeconform's module for the JUnit schema in its source (fixtures/junit.xsd, which Jenkins' plugins share).
package junit
